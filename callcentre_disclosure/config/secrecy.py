"""Who may read the file of a secret."""

from __future__ import annotations


def is_open_to_all(mode: int) -> bool:
    """Whether everybody on this machine may read, write or run a file of this mode (``st_mode``).
    Its group may read it: a server and Asterisk can be two users of one."""
    return bool(mode & 0o007)
