"""Is the Asterisk one that we can work with, and has it loaded what calls need?"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from callcentre_disclosure.config.model import Configuration

from .ailment import Ailment, Judgement, Unseen
from .console import Switch

OLDEST = 16
#: Since these versions the media cache gives up on a web server that says nothing.
_CACHE_GIVES_UP = ((18, 18), (20, 3))

#: What a session has Asterisk carry out over AGI, and what starts one.
_OF_SESSIONS = frozenset(
    ("AGI", "ANSWER", "CHANNELREDIRECT", "HANGUP", "MSET", "PROGRESS", "SOFTHANGUP")
)
#: The modules that have the applications and functions of our dialplan; the core has the others.
PROVIDERS: Mapping[str, str] = {
    "AGI": "res_agi",
    "CHANNELREDIRECT": "app_channelredirect",
    "CHANNEL": "func_channel",
    "CALLERID": "func_callerid",
    "CHANNEL_EXISTS": "func_channel",
    "DIAL": "app_dial",
    "DIALPLAN_EXISTS": "func_dialplan",
    "EXECIF": "app_exec",
    "FILTER": "func_strings",
    "GOSUB": "app_stack",
    "IF": "func_logic",
    "IMPORT": "func_logic",
    "LEN": "func_strings",
    "LOG": "app_verbose",
    "PLAYBACK": "app_playback",
    "PLAYTONES": "app_playtones",
    "QUEUE": "app_queue",
    "RETURN": "app_stack",
    "SHARED": "func_global",
    "SOFTHANGUP": "app_softhangup",
    "STOPPLAYTONES": "app_playtones",
}
_OF_ARI = (
    "app_stasis",
    "res_ari",
    "res_ari_applications",
    "res_ari_asterisk",
    "res_ari_bridges",
    "res_ari_channels",
    "res_ari_events",
    "res_ari_playbacks",
    "res_http_websocket",
    "res_stasis",
    "res_stasis_answer",
    "res_stasis_playback",
)
_OF_URLS = ("res_curl", "res_http_media_cache")


def judge(
    switch: Switch,
    configuration: Configuration,
    dialplan: str,
    others: Collection[str] | None = (),
) -> Judgement:
    """``dialplan`` is what we would write for this configuration, ``others`` are the machines
    beside this one whose records are in the same ledger (None: not known)."""
    version = ".".join(map(str, switch.version))
    if switch.major < OLDEST:
        what = f"is Asterisk {version}; announcements need {OLDEST} or later"
        yield Ailment("asterisk-too-old", "Asterisk", what, "install a version that is maintained")
        return
    if configuration.sounds.url and not gives_up(switch.version):
        yield Ailment(
            "media-cache-too-old",
            "Asterisk",
            f"{version} waits nine minutes for a web server that says nothing (sounds.url)",
            "copy the sounds, and name their folder as sounds.installed; or take 20.3 or later",
        )
    for module, needed_for in _missing(switch, configuration, dialplan).items():
        yield Ailment(
            "module-not-loaded",
            str(switch.folder / "modules.conf"),
            f"{module} is not loaded, and calls need {', '.join(needed_for)}",
            f"asterisk -rx 'module load {module}.so', and load it at the start, too",
        )
    if switch.settings.get("System name"):
        return
    asterisks = configuration.ari.asterisks if configuration.ari else ()
    if beside := sorted(others or ()) or (list(asterisks) if len(asterisks) > 1 else []):
        yield Ailment(
            "no-systemname",
            switch.settings.get("Configuration file", "asterisk.conf"),
            f"it shares a ledger with others ({', '.join(beside)}), and two calls may have one id",
            "set systemname under [options], another one for each Asterisk, and restart it",
        )
    elif others is None:
        yield Unseen("whether other machines write the same ledger: then it needs a systemname")


def gives_up(version: tuple[int, ...]) -> bool:
    """Whether the media cache of a version has a time-out."""
    return version >= _CACHE_GIVES_UP[1] or _CACHE_GIVES_UP[0] <= version < (19,)


def needed(dialplan: str) -> Iterator[str]:
    """The applications and functions that a dialplan of ours and its sessions use."""
    lines = (line for line in dialplan.splitlines() if not line.startswith(";"))
    used = {word.upper() for line in lines for word in re.findall(r"\b([A-Z][A-Za-z_]+)\(", line)}
    yield from sorted(used | _OF_SESSIONS)


def _missing(
    switch: Switch, configuration: Configuration, dialplan: str
) -> dict[str, Collection[str]]:
    """The modules that are not loaded, with what of them is missing."""
    missing: dict[str, list[str]] = {}
    for name in needed(dialplan):
        if name not in switch.applications | switch.functions:
            module = PROVIDERS.get(name, f"the module of {name}")
            missing.setdefault(module, []).append(name)
    if configuration.ari:
        for module in _OF_ARI:
            if module not in switch.modules:
                missing.setdefault(module, []).append("ARI")
    if configuration.sounds.url:
        for module in _OF_URLS:
            if module not in switch.modules:
                missing.setdefault(module, []).append("sounds from a web server")
    return {module: tuple(of) for module, of in missing.items()}
