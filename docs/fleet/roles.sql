-- psql -U postgres -f roles.sql
SET password_encryption = 'scram-sha-256';
-- The machines: they make the tables when the first record comes, and write.
CREATE ROLE disclosure LOGIN PASSWORD 'change me';
-- Whoever answers an authority: reads.
CREATE ROLE inspector LOGIN PASSWORD 'change me too';
CREATE DATABASE evidence;
\connect evidence
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO disclosure;
GRANT USAGE ON SCHEMA public TO inspector;
ALTER DEFAULT PRIVILEGES FOR ROLE disclosure GRANT SELECT ON TABLES TO inspector;
