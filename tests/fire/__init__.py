"""Everything goes wrong while calls go on, on a real Asterisk: ``make fire``, with a short form in
``make test``. docs/reliability.md has what it showed."""
