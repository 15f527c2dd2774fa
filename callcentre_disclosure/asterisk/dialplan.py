"""The lines of extensions.conf that announce calls."""

from __future__ import annotations


def announced_queue(queue: str, server: str = "127.0.0.1", context: str = "from-trunk") -> str:
    """A context whose calls are told where they may be answered, wait in a queue, and are told
    where the agent is who answered, before the two are connected.

    ``server`` is the FastAGI server as ``HOST`` or ``HOST:PORT``. While it is away the AGI script
    takes its place. The 6th argument of ``Queue`` is its AGI on Asterisk 16 to 22; no comma fits
    into it, so parameters go into the query string.
    """
    return f"""\
[{context}]
exten => _[+0-9].,1,Answer()
 same => n,Set(__DISCLOSURE_STATUS=)
 same => n,AGI(agi://{server}/disclose)
 same => n,ExecIf($["${{DISCLOSURE_STATUS}}" = ""]?AGI(callcentre-disclosure-agi))
 same => n,Queue({queue},r,,,300,agi://{server}/disclose?stage=answered&queue={queue})
 same => n,Hangup()
"""
