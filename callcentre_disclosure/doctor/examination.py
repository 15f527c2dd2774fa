"""The whole examination: every part of an installation, one after the other."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.compiling import sources
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.location import cache_folders
from callcentre_disclosure.config.manifest import SoundFormat, read_manifest
from callcentre_disclosure.errors import ConfigurationError, DisclosureError, SoundError

from . import (
    ari,
    clock,
    dialplan,
    evidence,
    queues,
    reading,
    script,
    serving,
    sounds,
    switch,
)
from .access import User
from .ailment import Ailment, Judgement, Unseen
from .console import Switch, console, look
from .patient import Patient, servers

#: Whoever runs Asterisk where nothing says so.
_USUALLY = "asterisk"


@dataclass(frozen=True, slots=True)
class Examined:
    """One part of an installation, and what was found there."""

    part: str
    ailments: tuple[Ailment, ...]
    unseen: tuple[Unseen, ...]


def examine(
    path: Path, command: Sequence[str] = ("asterisk",), user: str | None = None
) -> list[Examined]:
    """Look at the installation of a configuration.

    ``command`` is that of its Asterisk, ``user`` who runs it, where that cannot be seen.
    """
    try:
        configuration = load(path)
    except ConfigurationError as problem:
        where = [f"{one.file}:{one.line}" if one.line else one.file for one in problem.findings]
        found = [
            Ailment(
                "configuration-invalid",
                at,
                f"{one.key}: {one.problem}" if one.key else one.problem,
                one.remedy,
            )
            for at, one in zip(where, problem.findings, strict=True)
        ]
        unseen = Unseen("all the rest: it depends on the configuration")
        return [Examined("configuration", tuple(found), (unseen,))]
    ask = console(command)
    seen = look(ask)
    patient = Patient(configuration, ask, seen, _runs_asterisk(seen, user), servers(path))
    absent = {*(() if seen else _OF_ASTERISK), *(() if configuration.ari else ("ari",))}
    return [_examined(one, part(patient)) for one, part in _PARTS.items() if one not in absent]


def _examined(part: str, judgement: Judgement) -> Examined:
    found: list[Ailment | Unseen] = []
    try:
        found.extend(judgement)
    except SoundError as problem:
        found.append(Ailment("manifest-damaged", problem.where, problem.what, problem.remedy))
    except OSError as problem:
        remedy = "; ask as root" if isinstance(problem, PermissionError) else ""
        found.append(Unseen(f"{problem.filename or part}: {problem.strerror or problem}{remedy}"))
    return Examined(
        part,
        tuple(dict.fromkeys(one for one in found if isinstance(one, Ailment))),
        tuple(dict.fromkeys(one for one in found if isinstance(one, Unseen))),
    )


def _runs_asterisk(seen: Switch | None, named: str | None) -> User | None:
    if named:
        user = User.named(named)
        if user is None:
            raise DisclosureError(f"there is no user {named}", remedy="see `getent passwd`")
        return user
    try:
        pid = int(Path(seen.settings["PID file"]).read_text()) if seen else 0
    except (KeyError, OSError, ValueError):
        pid = 0
    return (User.of_process(pid) if pid else None) or User.named(_USUALLY)


def _asterisk(patient: Patient) -> Judgement:
    if patient.switch is None:
        what = "Asterisk, its dialplan, script and queues"
        yield Unseen(f"{what}: it does not answer; ask as root, or name it with --asterisk")
    else:
        others = evidence.look_at_others(patient.configuration)
        yield from switch.judge(patient.switch, patient.configuration, patient.dialplan, others)
    if patient.user is None:
        yield Unseen("what its user may read: nobody knows who that is; see --asterisk-user")


def _configuration(patient: Patient) -> Judgement:
    user = patient.user
    cache = []
    if user and patient.switch and dialplan.uses_script(patient.switch):
        cache = reading.look_at_cache(_caches(user), user)
    yield from reading.judge(reading.look(patient.configuration, patient.users), cache)


def _caches(user: User) -> tuple[str, ...]:
    """Those of the user's, as the script would choose them."""
    try:
        home = pwd.getpwuid(user.id).pw_dir
    except KeyError:
        home = "/"
    return cache_folders({**os.environ, "XDG_CACHE_HOME": os.path.join(home, ".cache")})  # noqa: PTH118


def _dialplan(patient: Patient) -> Judgement:
    assert patient.switch is not None
    yield from dialplan.judge(patient.switch, patient.configuration, patient.dialplan)


def _script(patient: Patient) -> Judgement:
    assert patient.switch is not None
    name = dialplan.uses_script(patient.switch)
    if name and patient.user:
        folder = Path(patient.switch.settings.get("AGI Scripts directory", ""))
        yield from script.judge(script.look(folder / name, patient.user))


def _queues(patient: Patient) -> Judgement:
    assert patient.switch is not None
    yield from queues.judge(queues.look(patient.configuration, patient.switch, patient.ask))


def _sounds(patient: Patient) -> Judgement:
    configuration, own = patient.configuration, patient.configuration.sounds
    yield from sounds.look_at_content(configuration)
    files = sounds.files(configuration)
    if own.url:
        if patient.switch:
            yield from sounds.judge_cache(configuration, patient.switch.folder)
    elif patient.user:
        yield from sounds.judge_rights(sounds.look_at_rights(files, patient.user))
    if own.installed:
        wanted = [sentence.sound_name for sentence in needed(configuration)]
        built, installed = read_manifest(own.folder), read_manifest(own.installed)
        yield from sounds.judge_installed(wanted, built, installed, own.installed)
    if patient.switch:
        kinds = {file.suffix[1:] for of_sound in files.values() for file in of_sound}
        formats = [one for one in SoundFormat if one.value in kinds]
        endpoints = sounds.look_at_endpoints(configuration, patient.ask)
        paths = sounds.look_at_paths(formats, patient.ask)
        yield from sounds.judge_formats(formats, patient.switch, endpoints, paths)


def _server(patient: Patient) -> Judgement:
    address = dialplan.server(patient.switch) if patient.switch else None
    if address:
        door = serving.look(address)
        yield from serving.judge(door)
        yield from serving.judge_absence(patient.servers, door)
    else:
        yield Unseen("a FastAGI server: no dialplan here names one as agi://HOST/disclose")
    made_from = sources(patient.configuration)
    for process in patient.servers:
        yield from serving.judge_health(process, serving.look_at_health(process), made_from)


def _ari(patient: Patient) -> Judgement:
    entry = patient.configuration.ari
    assert entry is not None
    handlers = [one.user for one in patient.servers if one.kind == "ari"]
    user = handlers[0] if handlers else patient.user
    if not handlers:
        yield Unseen("the ARI event handler itself: none runs here with this configuration")
    unusable = ari.look_at_certificates(entry, user)
    yield from ari.judge_certificates(unusable)
    if unusable:
        return
    for name, asterisk in entry.asterisks.items():
        seen = ari.look(name, asterisk, entry, user)
        if seen is None:
            yield Unseen(f"the Asterisk {name}: it connects to us; the log of the handler tells")
        else:
            yield from ari.judge(seen, patient.configuration)


def _clock(patient: Patient) -> Judgement:
    yield from clock.judge(clock.look(patient.configuration), patient.configuration)


def _evidence(patient: Patient) -> Judgement:
    if not patient.users:
        yield Unseen("who writes the ledger: no server runs here with this configuration")
    ledger = evidence.look(patient.configuration, patient.users)
    yield from evidence.judge(ledger, patient.configuration)
    if patient.switch:
        has_ari = patient.configuration.ari is not None
        cel = evidence.look_at_cel(patient.ask)
        yield from evidence.judge_cel(cel, patient.switch.folder, ari=has_ari)


#: What there is nothing to see of where Asterisk does not answer.
_OF_ASTERISK = ("dialplan", "script", "queues")
_PARTS: Mapping[str, Callable[[Patient], Judgement]] = {
    "configuration": _configuration,
    "asterisk": _asterisk,
    "dialplan": _dialplan,
    "script": _script,
    "queues": _queues,
    "sounds": _sounds,
    "server": _server,
    "ari": _ari,
    "clock": _clock,
    "evidence": _evidence,
}
