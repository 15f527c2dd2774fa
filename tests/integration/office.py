"""A call centre with every kind of route, behind the dialplan that the product writes for it.

Its sounds are stand-ins of a second and a half, each unlike any other, so that a recording tells
which of them was heard, whole or not, and when.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import ManifestEntry, write_manifest
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import Match, Recording, find, find_tone
from callcentre_disclosure.testing.sip import Call, Phone
from callcentre_disclosure.testing.sounds import sentence
from tests.call_centre import CallCentre
from tests.dialplans import INCLUDED

#: Agents, the tone in Hz that each says, and where they are.
AMINA, YASMINE, LUC = "201", "301", "401"
VOICES = {AMINA: 1000, YASMINE: 1400, LUC: 1800}
#: What an agent hears while the caller is informed.
INFORMING_HZ = 440
NUMBER = "01848800{:02}"
POSSIBLE, POSSIBLE_MA = "fr/possible-ma-tn", "fr/possible-ma"
ANSWERED_MA, ANSWERED_TN = "fr/answered-ma", "fr/answered-tn"

CONFIGURATION = """\
languages: [fr, en]
domestic_country: FR
numbering: {country_code: "33", trunk_prefix: "0"}
sounds: {folder: sounds}
evidence: {file: evidence.sqlite}
sites:
  casablanca: {country: MA}
  tunis: {country: TN}
  lyon: {country: FR}
agents:
  PJSIP/2??: {site: casablanca}
  PJSIP/3??: {site: tunis}
  PJSIP/401: {site: lyon}
  Local/201@desks/n: {site: casablanca}
  Yasmine Trabelsi: {site: tunis}
queues:
  support: {sites: [casablanca, tunis]}
  rabat: {sites: [casablanca]}
  tunis: {sites: [tunis]}
  eu: {sites: [lyon]}
  desks: {sites: [casablanca]}
  names: {sites: [casablanca, tunis]}
  nowhere: {sites: [lyon]}
trunks:
  PJSIP/muting: {sites: [casablanca], media: answered}
profiles:
  eu-before: {choice: {region: EU, stages: [possible], seconds: 1}}
  eu-after: {choice: {region: EU, stages: [answered], seconds: 1}}
  once: {again: never}
  before: {stages: [possible]}
  prompt: {stages: [possible], deadline: 1}
routes:
"""


@dataclass(frozen=True)
class Route:
    """One of the routes, and the number that leads to it."""

    name: str
    text: str
    number: str


def routes() -> dict[str, Route]:
    texts = {
        "queue": "queue: support, profile: fr-2018",
        "group": f"sites: [casablanca, tunis], dial: [PJSIP/{AMINA}&PJSIP/{YASMINE}]",
        "turn": f"sites: [casablanca, tunis], dial: [PJSIP/{AMINA}, PJSIP/{YASMINE}]",
        "told-first": f"sites: [casablanca], dial: [PJSIP/{AMINA}], profile: before",
        "early-queue": "queue: support, media: early",
        "early-group": f"sites: [casablanca, tunis], dial: [PJSIP/{AMINA}], media: early",
        "choice-before": "queue: support, profile: eu-before, choice: eu",
        "choice-after": "queue: rabat, profile: eu-after, choice: eu",
        "choice-dial": f"sites: [casablanca], dial: [PJSIP/{AMINA}], profile: eu-after, choice: eu",
        "exact": "queue: rabat",
        "text": "queue: rabat, text: true, profile: before",
        "text-group": f"sites: [casablanca], dial: [PJSIP/{AMINA}], text: true, profile: before",
        "desks": "queue: desks",
        "names": "queue: names",
        "once": "queue: support, profile: once",
        "group-once": f"sites: [casablanca, tunis], dial: [PJSIP/{AMINA}], profile: once",
        "none": "queue: support, profile: none",
        "all": f"dial: [PJSIP/{AMINA}], on_failure: all, profile: before",
        "generic": f"dial: [PJSIP/{AMINA}], on_failure: generic, profile: before",
        "silent": f"dial: [PJSIP/{AMINA}], on_failure: silent, profile: before",
        "refuse": f"dial: [PJSIP/{AMINA}], on_failure: refuse, profile: before",
        "refuse-early": (
            f"dial: [PJSIP/{AMINA}], on_failure: refuse, media: early, profile: before"
        ),
        "refuse-queue": "queue: support, on_failure: refuse",
        "late": f"sites: [casablanca, tunis], dial: [PJSIP/{AMINA}], profile: prompt",
        "late-refuse": (
            f"sites: [casablanca, tunis], dial: [PJSIP/{AMINA}], profile: prompt, "
            "on_failure: refuse"
        ),
        "eu-only": "queue: eu, profile: none",
        "us": f"sites: [casablanca], dial: [PJSIP/{AMINA}], profile: us-fcc-2026, choice: eu",
    }
    return {
        name: Route(name, text, NUMBER.format(index))
        for index, (name, text) in enumerate(texts.items(), start=1)
    }


ROUTES = routes()

QUEUES = """\
[general]
[base](!)
setinterfacevar=yes
setqueuevar=yes
ringinuse=no
strategy=linear
timeout=8
retry=1
[support](base)
member => PJSIP/201
member => PJSIP/301
[rabat](base)
member => PJSIP/201
[tunis](base)
member => PJSIP/301
[eu](base)
member => PJSIP/401
[desks](base)
member => Local/201@desks/n
[names](base)
member => Local/301@unknown/n,0,Yasmine Trabelsi,PJSIP/301
"""

DIALPLAN = (
    INCLUDED.replace("from-trunk", "inbound")
    + """\
include => disclosure-agents
exten => *8,1,Pickup()
exten => 0777,1,Answer()
 same => n,Gosub(disclosure-tell,s,1(stage=possible,queue=support))
 same => n,Gosub(disclosure-tell,s,1(stage=possible,queue=rabat))
 same => n,Gosub(disclosure-tell,s,1(stage=possible,queue=eu))
 same => n,Queue(eu,r)
exten => 001,1,Gosub(disclosure-call,s,1(PJSIP/consumer,exact))

[disclosure-unanswered]
exten => told-first,1,Dial(PJSIP/401,20)

[desks]
exten => _XXX,1,Dial(PJSIP/${EXTEN},20)
[unknown]
exten => _XXX,1,Dial(PJSIP/${EXTEN},20)

"""
)


def open_office(folder: Path, configuration: str = "") -> CallCentre:
    """A configuration, that of every road without another, and its sounds on disk."""
    centre = CallCentre(folder)
    listed = "".join(
        f'  {route.name}: {{numbers: ["{route.number}"], {route.text}}}\n'
        for route in ROUTES.values()
    )
    centre.path.write_text(configuration or CONFIGURATION + listed)
    entries = {}
    for wanted in needed(load(centre.path)):
        name = wanted.sound_name
        recording = Recording(sentence(f"{name}.1 {name}.2 {name}.3"))
        file = folder / f"sounds/{name}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        recording.save(file)
        entries[name] = ManifestEntry(
            wanted.text, {"wav": "0" * 64}, recording.duration, -22.0, "stand-in"
        )
    write_manifest(folder / "sounds", entries)
    return centre


@dataclass
class Office:
    """The call centre at work, seen by a test.

    The ARI event handler holds a whole call and keeps who answered it, whether or not there was
    anything more to be told; with ``only_asked`` those records are passed over.
    """

    centre: CallCentre
    asterisk: PrivateAsterisk
    caller: Phone
    agents: dict[str, Phone]
    only_asked: bool = False
    before = 0

    def call(self, route: str) -> Heard:
        """A caller dials the number of a route."""
        call = self.caller.call(ROUTES[route].number, self.asterisk.sip_address)
        return Heard(self, call)

    def originate(self, route: str, consumer: str) -> None:
        """Have the consumer called, by a call file."""
        self.spool(
            route,
            f"Context: disclosure-calls-outbound\nExtension: {route}\nPriority: 1\n"
            f"Setvar: DISCLOSURE_CONSUMER={consumer}\n",
        )

    def spool(self, name: str, call: str) -> None:
        """Have the consumer called; the call file says what happens then."""
        spool = self.asterisk.directory / "spool"
        file = spool / "tmp" / f"{name}.call"
        file.write_text(f"Channel: PJSIP/consumer\n{call}")
        file.rename(spool / "outgoing" / file.name)

    def leg(self, agent: str, timeout: float = 20.0) -> Call:
        """The next call that an agent gets and does not refuse."""
        while (call := self.agents[agent].next_call(timeout)).ending is not None:
            pass
        return call

    def only(self, *answering: str) -> None:
        """Everybody else is busy."""
        for number, phone in self.agents.items():
            phone.reject = None if number in answering else 486

    def evidence(self, count: int) -> list[dict[str, Any]]:
        """The records of the test, once there are so many; no more may come."""
        deadline = time.monotonic() + 10
        while len(records := self._records()) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(records) == count, records
        return records

    def _records(self) -> list[dict[str, Any]]:
        records = self.centre.evidence()[self.before :]
        return [record for record in records if not self.only_asked or _had_to_be_made(record)]

    @contextmanager
    def without(self, sound: str) -> Iterator[None]:
        """A sound is missing on the disk."""
        (file,) = (self.centre.folder / "sounds").glob(f"{sound}-????????.wav")
        file.rename(file.with_suffix(".gone"))
        yield
        file.with_suffix(".gone").rename(file)

    @contextmanager
    def empties(self) -> Iterator[None]:
        """When it is over nothing of its calls is left in Asterisk."""
        self.before = len(self.centre.evidence())
        yield
        deadline = time.monotonic() + 10
        while "0 active channels" not in (left := self.asterisk.command("core show channels")):
            assert time.monotonic() < deadline, left
            time.sleep(0.1)


class Heard:
    """A caller's call, and what was heard in it."""

    def __init__(self, office: Office, call: Call) -> None:
        self.office = office
        self.call = call
        self.language = "fr"
        self._sounds: dict[str, Match] | None = None

    def sounds(self) -> dict[str, Match]:
        """Every sound of a language (* for all) that was heard from beginning to end, by its name
        without the hash, in the order in which they were heard; nothing is heard twice."""
        if self._sounds is not None:
            return self._sounds
        recording = self.call.recording()
        found = {}
        for file in sorted((self.office.centre.folder / "sounds").glob(f"{self.language}/*.wav")):
            match = find(recording, file)
            if match and match.complete:
                found[_plain(file)] = match
                again = find(recording, file, after=match.end)
                assert again is None or not again.complete, f"{file.stem} was said twice"
        found = dict(sorted(found.items(), key=lambda item: item[1].start))
        self._sounds = found if self.call.ending else None
        return found

    def file(self, name: str) -> Path:
        """A sound by its name without the hash."""
        (file,) = (self.office.centre.folder / "sounds").glob(f"{name}-????????.wav")
        return file

    def seconds(self, name: str) -> float:
        """How long a sound is."""
        return Recording.load(self.file(name)).duration

    def begins(self, name: str) -> float:
        """Waits until the caller hears the beginning of a sound; when that was."""
        word = Recording(Recording.load(self.file(name)).samples[: 8000 * 3 // 10])
        deadline = time.monotonic() + 20
        while not ((match := find(self.call.recording(), word)) and match.complete):
            assert time.monotonic() < deadline, f"{name} is not heard"
            assert self.call.ending is None, f"the call ended: {self.call.ending}"
            time.sleep(0.05)
        return match.start

    def voices(self) -> list[str]:
        """The agents who were heard, in order."""
        recording = self.call.recording()
        starts = {agent: self.first_word(agent, recording) for agent in VOICES}
        return sorted((a for a, start in starts.items() if start), key=starts.__getitem__)

    def first_word(self, agent: str, recording: Recording | None = None) -> float:
        """When an agent was heard first, in seconds after the caller's INVITE; 0 for never."""
        spans = find_tone(recording or self.call.recording(), VOICES[agent])
        return next((start for start, end in spans if end - start > 0.5), 0.0)

    def answered_by(self, leg: Call) -> float:
        """When an agent picked up, on the caller's clock."""
        return leg.t0 - self.call.t0 + leg.wait_for("answered", timeout=20)

    def now(self) -> float:
        """Seconds since the INVITE."""
        return time.monotonic() - self.call.t0

    def listen(self, agent: str, seconds: float = 0.7) -> None:
        """Wait until an agent is heard, and for a while."""
        deadline = time.monotonic() + 20
        while not self.first_word(agent):
            assert time.monotonic() < deadline, f"{agent} is not heard: {self.sounds()}"
            assert self.call.ending is None, f"the call ended: {self.call.ending}"
            time.sleep(0.1)
        self.call.wait_until(self.first_word(agent) + seconds)

    def listen_after_announcement(self, agent: str, name: str) -> None:
        """Wait until a sound is over, and an agent is heard again."""
        self.call.wait_until(self.begins(name) + self.seconds(name) + 1.0)
        assert self.first_word(agent)

    def heard_before(self, agent: str, moment: float) -> float:
        """For how long an agent was heard before a moment, in seconds."""
        spans = find_tone(self.call.recording(), VOICES[agent])
        return sum(min(end, moment) - start for start, end in spans if start < moment)

    def talk(self, leg: Call, *, number: str | None = None) -> None:
        """Wait until the agent is heard, let them talk, and hang up; the agent is released."""
        self.listen(number or leg.number, 1.0)
        self.call.hang_up()
        leg.wait_for("ended", timeout=2)

    def agrees_with(self, *records: dict[str, Any]) -> None:
        """What was heard to the end is what the evidence says was played to the end."""
        played = [
            playback["sound"].rpartition("-")[0]
            for record in records
            for playback in record["playbacks"]
            if playback["result"] == "COMPLETE"
        ]
        assert sorted(self.sounds()) == sorted(played)


def _had_to_be_made(record: dict[str, Any]) -> bool:
    return bool(record["asked"] or record["offer"] or record["door"] != "ari")


def heard_tone(leg: Call, hz: int) -> list[tuple[float, float]]:
    """When an agent heard a tone, in seconds after their INVITE."""
    return [span for span in find_tone(leg.recording(), hz) if span[1] - span[0] > 0.05]


def _plain(file: Path) -> str:
    return f"{file.parent.name}/{file.stem.rpartition('-')[0]}"
