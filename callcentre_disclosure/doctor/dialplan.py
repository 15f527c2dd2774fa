"""Does the dialplan that runs announce the calls of the configuration as it is now?"""

from __future__ import annotations

import re

from callcentre_disclosure.asterisk.dialplan import SERVER, dialplan
from callcentre_disclosure.config.model import Configuration

from .ailment import Ailment, Judgement
from .console import Context, Switch, written_dialplan

OURS = "disclosure-"
SCRIPT = "callcentre-disclosure-agi"
#: A line that is shown shorter than this is all there.
_CUT = 200


def written(configuration: Configuration, switch: Switch | None) -> str:
    """What we would write for this Asterisk."""
    if switch is None:
        return dialplan(configuration)
    asked, freepbx = server(switch) or SERVER, _is_below_freepbx(switch)
    return dialplan(configuration, switch.major, asked, freepbx=freepbx)


def command(switch: Switch) -> str:
    """How that is written: an Asterisk does not understand the lines of every other version."""
    asked = server(switch) or SERVER
    options = f" --server {asked}" if asked != SERVER else ""
    options += " --freepbx" if _is_below_freepbx(switch) else ""
    return f"`callcentre-disclosure dialplan --asterisk {switch.major}{options}`"


def server(switch: Switch) -> str | None:
    """The FastAGI server that the dialplan asks, as it writes it; None where it asks none."""
    for _, line in switch.lines():
        if found := re.search(r"\bagi://([^/,)?\s$]+)/disclose", line):
            return found[1]
    return None


def uses_script(switch: Switch) -> str | None:
    """How the dialplan calls the AGI script, if it does."""
    for _, line in switch.lines():
        if found := re.search(rf'[("]((?:/[^\s,()"]*/)?{SCRIPT})[,)"]', line):
            return found[1]
    return None


def judge(switch: Switch, configuration: Configuration, text: str) -> Judgement:
    """``text`` is what we would write."""
    here = str(switch.folder)
    application = configuration.ari.application if configuration.ari else None
    ours = _written_contexts(switch)
    if not ours:
        if not _announces(switch, application):
            yield Ailment(
                "dialplan-missing",
                f"{here}/extensions.conf",
                "nothing in the dialplan that runs announces a call",
                f"write it ({command(switch)}) into a file, #include that, and reload it",
            )
        return
    wanted = written_dialplan(text)
    differing = [name for name, context in wanted.items() if not _same(context, ours.get(name))]
    if differing:
        missing = [name for name in differing if name not in ours]
        what = (
            f"lacks {_listed(missing)}"
            if missing
            else f"is not that of the configuration in {_listed(differing)}"
        )
        yield Ailment(
            "dialplan-outdated",
            "the dialplan that runs",
            what,
            f"write it anew ({command(switch)}), then `asterisk -rx 'dialplan reload'`; "
            "see a warning of it in Asterisk's log",
        )
    if not _is_reached(switch):
        yield Ailment(
            "dialplan-not-included",
            f"{here}/extensions.conf",
            "no context leads to the announced calls",
            "write `include => disclosure-inbound` in the context of your trunks, and reload it",
        )


def _written_contexts(switch: Switch) -> dict[str, Context]:
    """Those that we have written; `disclosure-unanswered` is the administrator's."""
    return {
        name: context
        for name, context in switch.contexts.items()
        if name.startswith(OURS) and name != "disclosure-unanswered"
    }


def _is_below_freepbx(switch: Switch) -> bool:
    return bool(_written_contexts(switch)) and "disclosure-inbound" not in switch.contexts


def _same(wanted: Context, found: Context | None) -> bool:
    if found is None or wanted.keys() != found.keys():
        return False
    pairs = ((wanted[one], found[one]) for one in wanted)
    return all(len(a) == len(b) and all(map(_is_shown_as, a, b)) for a, b in pairs)


def _is_shown_as(line: str, shown: str) -> bool:
    """`dialplan show` cuts long lines."""
    return line == shown or (len(shown) >= _CUT and line.startswith(shown))


def _is_reached(switch: Switch) -> bool:
    doors = re.compile(r"\bdisclosure-(inbound|calls-|tell|call\b)")
    if "disclosure-inbound" in switch.includes:
        return True
    return any(doors.search(line) for name, line in switch.lines() if not name.startswith(OURS))


def _announces(switch: Switch, application: str | None) -> bool:
    marks = [r"agi://[^,)]+/disclose", re.escape(SCRIPT)]
    if application:
        marks.append(rf"Stasis\({re.escape(application)}\b")
    return any(
        re.search("|".join(marks), line)
        for name, line in switch.lines()
        if not name.startswith("stasis-")  # which Asterisk makes for each application
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"[{'], ['.join(names[:3])}]{more}"
