"""Tells an Asterisk caller in which country the call is answered, before the connection.

The public API::

    disclosure = Disclosure.from_file("config.yaml")
    disclosure.begin(call)             # one session, for a door of your own
    disclosure.agi()                   # the same over AGI: bytes in, bytes out
    decide(call, disclosure.directory, at=moment)  # what a call would be told, and why
    disclose(agi, queue="sales")       # in a script that has an AGI object of pyst2

Names are imported when they are first used: an AGI script is a process a call, and a caller waits
for what it imports.
"""

TYPE_CHECKING = False  # typing's own would cost every call 10 ms
if TYPE_CHECKING:
    from .disclosure.call import CallFacts, Direction, Stage
    from .disclosure.decision import Decision, decide
    from .disclosure.outcome import DisclosureOutcome, Disposition
    from .disclosure.record import LedgerRecord
    from .errors import ConfigurationError, DisclosureError
    from .service import Disclosure, disclose

__all__ = [
    "CallFacts",
    "ConfigurationError",
    "Decision",
    "Direction",
    "Disclosure",
    "DisclosureError",
    "DisclosureOutcome",
    "Disposition",
    "LedgerRecord",
    "Stage",
    "decide",
    "disclose",
]

_HOME = {
    "CallFacts": "disclosure.call",
    "ConfigurationError": "errors",
    "Decision": "disclosure.decision",
    "Direction": "disclosure.call",
    "Disclosure": "service",
    "DisclosureError": "errors",
    "DisclosureOutcome": "disclosure.outcome",
    "Disposition": "disclosure.outcome",
    "LedgerRecord": "disclosure.record",
    "Stage": "disclosure.call",
    "decide": "disclosure.decision",
    "disclose": "service",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOME[name]}", __name__), name)
