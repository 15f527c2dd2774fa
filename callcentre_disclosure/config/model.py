"""What a configuration says: the source of truth for the loader and for the JSON Schema.

Each class is one mapping of the file, each field one key of it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from callcentre_disclosure.disclosure.announcement import Wording
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.profile import Again, Region
from callcentre_disclosure.disclosure.route import FailurePolicy, Media

from .kinds import (
    Address,
    AsteriskUrl,
    Country,
    Dialled,
    Digits,
    Endpoint,
    EngineName,
    Hours,
    Interface,
    Key,
    Language,
    Number,
    PostgresqlUrl,
    ProfileId,
    QueueName,
    RouteId,
    SegmentId,
    Sentence,
    SiteId,
    SomeLanguage,
    SomeProfile,
    SomeQueue,
    SomeSegment,
    SomeSite,
    Timezone,
    Url,
    Word,
)
from .manifest import SoundFormat
from .shape import NOT_EMPTY, Between
from .sources import Source

_STATE = Path(os.environ.get("CALLCENTRE_DISCLOSURE_STATE", "/var/lib/callcentre-disclosure"))


@dataclass(frozen=True, slots=True)
class NumberingEntry:
    """The numbering plan that national numbers are written in (ITU-T E.164)."""

    country_code: Annotated[Digits, "What follows the + of the country's numbers: 33"]
    trunk_prefix: Annotated[Digits | None, "What people dial before a national number: 0"] = None
    international_prefix: Annotated[Digits, "What people dial instead of the +"] = "00"


@dataclass(frozen=True, slots=True)
class SoundsEntry:
    """The sounds that `prompts build` makes, and where calls find them.

    The package comes with sounds of its own. They are used as long as neither an engine, nor a
    format or level of one's own is asked for.
    """

    folder: Annotated[Path, "Where sounds are made; Asterisk must be able to read it"] = (
        _STATE / "sounds"
    )
    engine: Annotated[
        EngineName | None,
        "What speaks: py-nanotts (without any), kokoro, gtts, espeak-ng, command, or one that was "
        "installed",
    ] = None
    engines: Annotated[
        Mapping[SomeLanguage, EngineName], "What speaks some of the languages instead"
    ] = field(default_factory=dict)
    command: Annotated[
        str | None,
        "The program of the engine `command`, quoted as in a shell; {text}, {language} and {file} "
        "(the WAV file that it writes) are replaced",
    ] = None
    formats: Annotated[tuple[SoundFormat, ...], "What each sound is written as", NOT_EMPTY] = (
        SoundFormat.WAV,
    )
    level: Annotated[
        float, "The active speech level (ITU-T P.56) of every sound, in dBov", Between(-36, -12)
    ] = -22.0
    installed: Annotated[
        Path | None, "Asterisk's folder of sounds, where `prompts install` puts them"
    ] = None
    url: Annotated[Url | None, "The web server that Asterisk fetches them from, for a fleet"] = None

    def asks_for(self, engine: str) -> bool:
        """Whether some language is to be spoken by an engine."""
        return engine in (self.engine, *self.engines.values())

    @property
    def as_shipped(self) -> bool:
        """Whether the sounds that come with the package are as these are to be."""
        own = SoundsEntry()
        return (self.engine, self.engines, self.formats, self.level) == (
            own.engine,
            own.engines,
            own.formats,
            own.level,
        )


@dataclass(frozen=True, slots=True)
class TextsEntry:
    """Sentences of your own."""

    folder: Annotated[
        Path | None, "A folder of <language>.yaml files that are read instead of the package's"
    ] = None


@dataclass(frozen=True, slots=True)
class EvidenceEntry:
    """Where the proof of every announcement is kept."""

    file: Annotated[
        Path, "The ledger, in SQLite, on a disk of this machine; with `url` what waits to go there"
    ] = _STATE / "evidence.sqlite"
    url: Annotated[
        PostgresqlUrl | None,
        "The ledger of several machines, in PostgreSQL; passwords in a passfile",
    ] = None
    key_file: Annotated[
        Path | None,
        "The secret that seals records and replaces numbers; evidence.key beside `file` without "
        "one. It is made where there is none",
    ] = None
    checkpoints: Annotated[
        Path | None, "A folder for the signed checkpoint of each day; beside `file` without one"
    ] = None

    @property
    def keys(self) -> Path:
        """The file with the secrets."""
        return self.key_file or self.file.with_name("evidence.key")

    @property
    def checkpoint_folder(self) -> Path:
        """Where the checkpoints are."""
        return self.checkpoints or self.file.with_name("checkpoints")


@dataclass(frozen=True, slots=True)
class SiteEntry:
    """A place where calls are answered."""

    country: Annotated[Country, "The country that callers are told"]
    name: Annotated[str | None, "What people call it; its id without one"] = None
    timezone: Annotated[Timezone | None, "The time zone that its hours are written in"] = None
    hours: Annotated[tuple[Hours, ...], "When it takes calls; always, without any"] = ()
    dial: Annotated[
        tuple[Dialled, ...], "Who is called there, where a route names nobody; as `dial` of a route"
    ] = ()


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """A person, or everyone whose interface fits a pattern. A site, a country or both."""

    site: Annotated[SomeSite | None, "Where they work"] = None
    country: Annotated[Country | None, "Their own country, for those who work at home"] = None


@dataclass(frozen=True, slots=True)
class SiteList:
    """The sites that may answer."""

    sites: Annotated[tuple[SomeSite, ...], "Callers hear their countries in this order", NOT_EMPTY]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkEntry(SiteList):
    """An endpoint that calls come in by."""

    media: Annotated[
        Media, "answered: nothing is heard before the answer here, whatever the route says"
    ] = Media.EARLY


@dataclass(frozen=True, slots=True)
class ChoiceEntry:
    """Another agent, in the same call, where it is answered outside of a region."""

    region: Annotated[Region, "Where that agent is: EU, or domestic (the domestic_country)"]
    stages: Annotated[tuple[Stage, ...], "When it is offered", NOT_EMPTY] = tuple(Stage)
    key: Annotated[Key, "The key that chooses"] = "1"
    seconds: Annotated[float, "How long after the offer it may be pressed", Between(0, 30)] = 3.0


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """What a rule asks for."""

    title: Annotated[str, "What people call it"] = ""
    version: Annotated[str, "When it was last compared with its sources"] = ""
    status: Annotated[str, "Whether it is in force"] = ""
    sources: Annotated[tuple[str, ...], "Where it is written"] = ()
    stages: Annotated[
        tuple[Stage, ...],
        "possible: before an agent is sought; answered: once one has, before the connection",
    ] = tuple(Stage)
    directions: Annotated[tuple[Direction, ...], "Calls received, calls made"] = tuple(Direction)
    announce_domestic: Annotated[bool, "Whether the domestic country alone is told, too"] = True
    repeat_exact: Annotated[
        bool, "Whether an agent's country is told that was the only possible one before"
    ] = False
    again: Annotated[
        Again, "Whether a call is told again in another queue, or after a transfer"
    ] = Again.COUNTRY_CHANGED
    deadline: Annotated[
        float | None,
        "Seconds after the start of the call, for the first announcement",
        Between(1, 600),
    ] = None
    choice: Annotated[ChoiceEntry | None, "Another agent whom the caller may have"] = None
    segments: Annotated[tuple[SomeSegment, ...], "Optional sentences that it asks for"] = ()
    keep_days: Annotated[
        float,
        "How long evidence is kept, in days; then `evidence purge` removes it",
        Between(1, 36525),
    ] = 1826


@dataclass(frozen=True, slots=True)
class Treatment:
    """Who may answer a call, and what a call gets that could not be told its country."""

    sites: Annotated[tuple[SomeSite, ...], "The sites that may answer"] = ()
    queue: Annotated[SomeQueue | None, "The queue whose sites may answer, instead of sites"] = None
    profile: Annotated[
        SomeProfile | None, "The rule that is answered to: fr-2018, it-24bis, …, or one of your own"
    ] = None
    dial: Annotated[
        tuple[Dialled, ...], "Without a queue: who is called, in turn; & rings several together"
    ] = ()
    choice: Annotated[
        SomeQueue | None, "The queue of the agents whom callers may choose, where the profile asks"
    ] = None
    media: Annotated[
        Media,
        "early: announced before the call is answered, and billed; answered: in an answered call",
    ] = Media.ANSWERED
    text: Annotated[bool, "Whether callers get each sentence as a text message, too"] = False
    company: Annotated[
        Sentence | None, "The name that callers know the company by; it is said first"
    ] = None
    segments: Annotated[
        tuple[SomeSegment, ...], "What else is said: recording, ai, free, or segments of your own"
    ] = ()
    language: Annotated[
        SomeLanguage | None, "The language to speak, whatever the channel is set to"
    ] = None
    on_failure: Annotated[
        FailurePolicy,
        "generic: a sentence that names no country; all: one that names every country of this "
        "configuration; silent: nothing; refuse: a sentence that says so, and no connection",
    ] = FailurePolicy.GENERIC


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteEntry(Treatment):
    """The treatment of the calls to some numbers."""

    numbers: Annotated[
        tuple[Number, ...], "The dialled numbers, in any way of writing them", NOT_EMPTY
    ]


@dataclass(frozen=True, slots=True)
class AsteriskEntry:
    """An Asterisk whose calls come to the ARI event handler."""

    password_file: Annotated[Path, "A file that holds the password, and that nobody else can read"]
    user: Annotated[Word | None, "The user of its ari.conf; the name above without one"] = None
    url: Annotated[
        AsteriskUrl | None,
        "Where it is reached; without one it connects to us (websocket_client.conf)",
    ] = None


@dataclass(frozen=True, slots=True)
class AriEntry:
    """The ARI event handler, and the Asterisks that it works for."""

    asterisks: Annotated[Mapping[Word, AsteriskEntry], "The Asterisks by name", NOT_EMPTY]
    application: Annotated[Word, "What the dialplan calls it: Stasis(callcentre-disclosure)"] = (
        "callcentre-disclosure"
    )
    listen: Annotated[Address | None, "Where Asterisks without a `url` connect to"] = None
    certificate: Annotated[
        Path | None, "Of `listen`, for wss: a PEM file with the chain and the private key"
    ] = None
    authority: Annotated[
        Path | None, "A PEM file with the certificates to trust, instead of the machine's"
    ] = None


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """The configuration of callcentre-disclosure. Relative paths start from this file's folder."""

    languages: Annotated[
        tuple[Language, ...],
        "What callers are told in; the first is for channels set to none of them",
        NOT_EMPTY,
    ]
    sites: Annotated[Mapping[SiteId, SiteEntry], "The places where calls are answered", NOT_EMPTY]
    domestic_country: Annotated[
        Country | None, "The country of the callers: a site there answers for certain"
    ] = None
    numbering: Annotated[NumberingEntry | None, "How national numbers are written"] = None
    sounds: SoundsEntry = SoundsEntry()
    texts: TextsEntry = TextsEntry()
    segments: Annotated[
        Mapping[SegmentId, Mapping[SomeLanguage, Sentence]],
        "Optional sentences of your own, in every language: a tariff, an opt-out",
    ] = field(default_factory=dict)
    profiles: Annotated[
        Mapping[ProfileId, ProfileEntry], "Rules of your own, next to those of the package"
    ] = field(default_factory=dict)
    evidence: EvidenceEntry = EvidenceEntry()
    agents: Annotated[
        Mapping[Interface, AgentEntry],
        "Who answers; of several patterns that fit, the most specific counts",
    ] = field(default_factory=dict)
    agent_files: Annotated[
        tuple[Path, ...], "More agents, in CSV files: interface,site,country"
    ] = ()
    queues: Annotated[Mapping[QueueName, SiteList], "The sites that answer each queue"] = field(
        default_factory=dict
    )
    trunks: Annotated[
        Mapping[Endpoint, TrunkEntry], "The sites that answer what comes in by an endpoint"
    ] = field(default_factory=dict)
    routes: Annotated[
        Mapping[RouteId, RouteEntry], "What is done with the calls to some numbers"
    ] = field(default_factory=dict)
    default: Annotated[Treatment, "What is done with the calls to all other numbers"] = Treatment()
    ari: Annotated[AriEntry | None, "The ARI event handler, where there is one"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration(ConfigurationFile):
    """A configuration with all that its file refers to: valid, and complete.

    ``agents`` holds those of the agent files too, ``profiles`` those of the package, every path is
    absolute, and ``sources`` are the files that were read, or looked for.
    """

    path: Path
    wordings: Mapping[str, Wording]
    sources: Sequence[Source]

    def sites_of(self, treatment: Treatment) -> tuple[str, ...]:
        """The sites that may answer the calls of a route: its own, or those of its queue."""
        return self.queues[treatment.queue].sites if treatment.queue else treatment.sites

    def dial_of(self, treatment: Treatment) -> tuple[str, ...]:
        """Who is called, in turn: whom the route names or, else, its sites do."""
        if treatment.queue or treatment.dial:
            return treatment.dial
        return tuple(one for site in treatment.sites for one in self.sites[site].dial)
