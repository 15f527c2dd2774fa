"""The causes of records, so that equal ones can be counted together.

``LedgerRecord.cause`` is a sentence for whoever looks at one call. A report wants the one thing to
mend: the kind of trouble, and the sound, agent or route that had it. How far a sound came, which is
another number in every call, is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

#: What is kept of a cause that this module does not know, in characters.
_MOST = 120


class CauseKind(str, Enum):
    """What went wrong. The words for each, and what mends it, are in ``texts/``."""

    NOT_PLAYED = "not_played"  #: Asterisk could not play a sound, or not to its end
    KEY = "key"  #: the caller pressed a key
    HANG_UP = "hang_up"  #: the caller hung up
    LOST = "lost"  #: it is not known how far a sound came: no answer, or the connection broke
    NO_SOUND = "no_sound"  #: a sound was never made
    NO_WORDS = "no_words"  #: a language has no words for a country
    NO_SITE = "no_site"  #: nothing told where the call may be answered
    NOT_CONFIGURED = "not_configured"  #: an agent, route, profile or site that nobody knows
    LATE = "late"  #: told after the deadline of the profile
    NO_CHOICE = "no_choice"  #: the dialplan has no way to the queue that was offered
    AGENT_LEFT = "agent_left"  #: the agent had hung up
    OTHER = "other"
    UNKNOWN = "unknown"  #: the record names none


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing to mend. ``subject`` names what had the trouble; it is empty where there is
    nothing, and where a caller ended what went well."""

    kind: CauseKind
    subject: str = ""


_READINGS = (
    (CauseKind.NOT_PLAYED, re.compile(r"(?:FAILED|STOPPED): (\S+) (?:at |unsent)")),
    (CauseKind.KEY, re.compile(r"DTMF_INTERRUPTED: ()")),
    (CauseKind.HANG_UP, re.compile(r"CALLER_HUNG_UP: ()")),
    (CauseKind.LOST, re.compile(r"(?:TIMED_OUT|INDETERMINATE): (\S+) ")),
    (CauseKind.NO_SOUND, re.compile(r"missing: sound (\S+)")),
    (CauseKind.NO_WORDS, re.compile(r"missing: words for (.+)")),
    (CauseKind.NO_SITE, re.compile(r"no site resolved()")),
    (
        CauseKind.NOT_CONFIGURED,
        re.compile(r"((?:agent|route|profile|site|queue) .+) is not in the configuration"),
    ),
    (CauseKind.LATE, re.compile(r"told \d+ s after the start of the call, (.+) asks for ")),
    (CauseKind.NO_CHOICE, re.compile(r"the dialplan has no (.+)")),
    (CauseKind.AGENT_LEFT, re.compile(r"the agent had hung up()")),
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def read_cause(text: str) -> Cause:
    """The first and weightiest of the causes of a record, which semicolons separate."""
    if not text:
        return Cause(CauseKind.UNKNOWN)
    first = text.partition("; ")[0]
    for kind, reading in _READINGS:
        if found := reading.match(first):
            return Cause(kind, found[1])
    return Cause(CauseKind.OTHER, _NUMBER.sub("…", first[:_MOST]))
