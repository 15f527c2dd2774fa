"""Can Asterisk play what callers are to be told, as it is meant to be, in a format they hear?"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.directory import checked_folders, sound_folders
from callcentre_disclosure.config.manifest import (
    ManifestEntry,
    SoundFormat,
    read_manifest,
    sound_file,
)
from callcentre_disclosure.config.model import Configuration
from callcentre_disclosure.errors import SoundError

from .access import READ, Obstacle, User, obstacle
from .ailment import Ailment, Judgement, Unseen
from .asterisk_files import read_sections
from .console import Ask, Switch

if TYPE_CHECKING:
    from callcentre_disclosure.speech.check import SoundFinding

#: The codec of each format and the module that reads its files.
CODECS: Mapping[SoundFormat, tuple[str, str]] = {
    SoundFormat.WAV: ("slin:8000", "format_wav"),
    SoundFormat.SLN16: ("slin:16000", "format_sln"),
    SoundFormat.ULAW: ("ulaw:8000", "format_pcm"),
    SoundFormat.ALAW: ("alaw:8000", "format_pcm"),
    SoundFormat.GSM: ("gsm:8000", "format_gsm"),
    SoundFormat.G722: ("g722:16000", "format_pcm"),
}
#: Between these a table is all it takes.
_CHEAP = frozenset(("slin", "ulaw", "alaw"))
#: What an endpoint allows beside what is heard: pictures and text.
_UNHEARD = re.compile("h26[1-5]p?|mpeg4|vp[89]|jpeg|png|t140|red|t38")
_INSTALL = "run `callcentre-disclosure prompts install`, and send the servers SIGHUP"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where callers come from, and the codecs that it allows, the first choice first."""

    name: str
    codecs: tuple[str, ...]


def files(configuration: Configuration) -> dict[str, list[Path]]:
    """The files of the sounds that calls of the configuration play, by sound."""
    found: dict[str, list[Path]] = {}
    manifests = [(folder, read_manifest(folder)) for folder in sound_folders(configuration)]
    for name in dict.fromkeys(sentence.sound_name for sentence in needed(configuration)):
        for folder, manifest in reversed(manifests):
            if entry := manifest.get(name):
                found[name] = [sound_file(folder, name, one) for one in entry.files]
                break
    return found


def look_at_rights(played: Mapping[str, Sequence[Path]], user: User) -> dict[Path, Obstacle]:
    """What keeps a user from files that are there. Raises ``OSError`` where we may not look."""
    found = {}
    for file in (file for of_sound in played.values() for file in of_sound):
        if there := obstacle(file, user, READ):
            found[file] = there
    return found


def judge_rights(obstacles: Mapping[Path, Obstacle]) -> Judgement:
    """One ailment of each thing that is in the way. (What is missing, ``check`` tells.)"""
    closed = [one for one in obstacles.values() if not one.missing]
    for one in dict.fromkeys(closed):
        many = closed.count(one)
        what = f"{one.why}, so Asterisk cannot play {many} sound{'s' if many > 1 else ''}"
        yield Ailment(
            "sound-unreadable", str(one.path), what, "let that user read and enter it (chmod a+rX)"
        )


def look_at_content(configuration: Configuration) -> Judgement:
    """What ``prompts check`` says: sounds that are missing, older than the configuration, or not
    what was made. (Whether Asterisk may read them is judged elsewhere.)"""
    try:
        from callcentre_disclosure.speech.check import Defect, check
    except SoundError as absent:
        yield Unseen(f"what the sounds say: {absent.what} (the extra `speech`)")
        return
    folders = checked_folders(configuration)
    found = check(needed(configuration), folders, level=configuration.sounds.level)
    missing = [one for one in found if one.defect in (Defect.MISSING, Defect.LANGUAGE)]
    other = [one for one in found if one not in missing and one.defect is not Defect.UNREADABLE]
    yield from _summed("sound-missing", missing)
    yield from _summed("sound-outdated", other)


def _summed(name: str, found: Sequence[SoundFinding]) -> Judgement:
    """Where many things are wrong with the sounds, `prompts check` tells them one by one."""
    if found:
        first, more = found[0], len(found) - 1
        others = f" (and {more} more, see `callcentre-disclosure prompts check`)" if more else ""
        yield Ailment(name, first.file, f"{first.problem}{others}", first.remedy)


def judge_installed(
    wanted: Collection[str],
    built: Mapping[str, ManifestEntry],
    installed: Mapping[str, ManifestEntry],
    folder: Path,
) -> Judgement:
    """Of the sounds that are wanted, those in Asterisk's folder are to be those that were built."""
    older = [
        name
        for name in wanted
        if name in built
        and not (name in installed and installed[name].recorded and not built[name].recorded)
        and (name not in installed or installed[name].files != built[name].files)
    ]
    if older:
        what = f"{len(older)} sounds here are not those that were built last, such as {older[0]}"
        yield Ailment("sound-not-installed", str(folder), what, _INSTALL)


def look_at_endpoints(configuration: Configuration, ask: Ask) -> list[Endpoint]:
    """The PJSIP endpoints by which calls come in: the trunks of the configuration, and those that
    are known by their address."""
    trunks = [name.partition("/")[2] for name in configuration.trunks if name.startswith("PJSIP/")]
    names = [*trunks, *read_trunks(ask("pjsip show endpoints") or "")]
    shown = ((name, ask(f"pjsip show endpoint {name}") or "") for name in dict.fromkeys(names))
    return [Endpoint(name, codecs) for name, text in shown if (codecs := read_codecs(text))]


def read_trunks(text: str) -> Iterator[str]:
    """The endpoints of ``pjsip show endpoints`` that have an Identify."""
    for part in text.split("\n\n"):
        name = re.search(r"^ Endpoint:  ([^/\s<]+)", part, re.MULTILINE)
        if name and re.search(r"^   Identify:  [^<]", part, re.MULTILINE):
            yield name[1]


def read_codecs(text: str) -> tuple[str, ...]:
    """What is heard of that which an endpoint allows, by ``pjsip show endpoint``."""
    found = re.search(r"^ allow +: \((.*)\)$", text, re.MULTILINE)
    allowed = found[1].split("|") if found else ()
    return tuple(codec for codec in allowed if not _UNHEARD.fullmatch(codec))


def look_at_paths(formats: Collection[SoundFormat], ask: Ask) -> dict[str, Collection[str]]:
    """The codecs that Asterisk can make of that of each format: ``alaw:8000`` of ``slin:8000``."""
    targets: dict[str, Collection[str]] = {}
    for codec in dict.fromkeys(CODECS[one][0] for one in formats):
        name, _, rate = codec.partition(":")
        text = (
            ask(f"core show translation paths {name} {int(rate) if name == 'slin' else ''}") or ""
        )
        targets[codec] = read_targets(text, codec)
    return targets


def read_targets(text: str, codec: str) -> frozenset[str]:
    """What ``core show translation paths`` can make of a codec: ``alaw:8000``, ``g722:16000``."""
    pattern = rf"^\s*{re.escape(codec)}\s+To (\S+)\s*: \("
    return frozenset(re.findall(pattern, text, re.MULTILINE))


def judge_formats(
    formats: Collection[SoundFormat],
    switch: Switch,
    endpoints: Sequence[Endpoint],
    paths: Mapping[str, Collection[str]],
) -> Judgement:
    """``formats`` are those that the sounds are there in."""
    unread = [one for one in formats if one.value not in switch.formats]
    for one in unread:
        yield Ailment(
            "format-not-loaded",
            str(switch.folder / "modules.conf"),
            f"Asterisk plays no .{one.value}, in which the sounds are: {CODECS[one][1]} is missing",
            f"asterisk -rx 'module load {CODECS[one][1]}.so', and load it at the start, too",
        )
    sources = [CODECS[one][0] for one in formats if one not in unread]
    if not sources:
        return
    for endpoint in endpoints:
        where = f"the endpoint {endpoint.name}"
        reached = {
            target.partition(":")[0]
            for source in sources
            for target in (source, *paths.get(source, ()))
        }
        deaf = [codec for codec in endpoint.codecs if _plain(codec) not in reached]
        if deaf:
            yield Ailment(
                "format-without-path",
                where,
                f"calls in {', '.join(deaf)} hear nothing: there is no translation to it",
                "load its codec module, add the format to sounds.formats, or disallow it there",
            )
        first = _plain(endpoint.codecs[0])
        names = {source.partition(":")[0] for source in sources}
        if endpoint.codecs[0] not in deaf and not _is_cheap(first, names):
            yield Ailment(
                "format-transcoded",
                where,
                f"prefers {first}, and the sounds are in {', '.join(sorted(names))}: "
                "each announcement of each call is encoded anew",
                f"add {first} to sounds.formats if that is possible, and build; else prefer alaw",
            )


def judge_cache(configuration: Configuration, folder: Path) -> Judgement:
    """Sounds from a web server must not hold a call."""
    if not configuration.sounds.url:
        return
    file = folder / "res_http_media_cache.conf"
    try:
        general = read_sections(file).get("general", {})
    except FileNotFoundError:
        general = {}
    except OSError as problem:
        yield Unseen(f"{file}: {problem.strerror}")
        return
    if not general.get("timeout_secs", "").isdecimal():
        yield Ailment(
            "media-cache-without-timeout",
            str(file),
            "a web server that accepts and says nothing holds each call for nine minutes",
            "write timeout_secs = 2 under [general], and restart Asterisk",
        )


def _plain(codec: str) -> str:
    """Asterisk calls signed linear of 16 kHz slin16."""
    return "slin" if codec.startswith("slin") else codec


def _is_cheap(codec: str, sources: Collection[str]) -> bool:
    return codec in sources or (codec in _CHEAP and not _CHEAP.isdisjoint(sources))
