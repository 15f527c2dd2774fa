"""Was a consumer who reached a person told before where that person is? One call at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from callcentre_disclosure.disclosure.call import (
    CallFacts,
    Direction,
    Stage,
    Told,
    endpoint_of,
    interface_of,
)
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome
from callcentre_disclosure.disclosure.profile import Profile, duty
from callcentre_disclosure.disclosure.record import masked
from callcentre_disclosure.disclosure.resolution import profile_of, route_of

from .calls import Call, Connection
from .people import People, Roles
from .records import Record

#: What two clocks may differ by, and how long it may take from the last word to the connection to
#: be written down.
TOLERANCE = timedelta(seconds=0.5)
#: Nobody can say anything in less. (When an agent hands a caller over whom they had called a
#: colleague for, Asterisk connects the two for some milliseconds before the caller is told.)
CONVERSATION = timedelta(seconds=0.5)
#: How long after Asterisk came to us a record may say that it was asked for. (The script comes
#: when the server does not answer for two seconds.)
_COMES_WITHIN = timedelta(seconds=6)
_NUMBER = re.compile(r"[0-9]{7,}")


class Leak(str, Enum):
    """What was wrong with a connection. The value is its name in reports."""

    NEVER_ANNOUNCED = "never-announced"
    RECORD_MISSING = "record-missing"
    NOT_TOLD = "not-told"
    CONNECTED_EARLY = "connected-early"
    OTHER_COUNTRY = "other-country"
    NOT_EXACT = "not-exact"
    UNKNOWN_AGENT = "unknown-agent"


REMEDIES = {
    Leak.NEVER_ANNOUNCED: "have this road announced in the dialplan (`dialplan` writes it): before "
    "the Queue or Dial, and once somebody has answered",
    Leak.RECORD_MISSING: "`evidence verify` tells whether a record was removed; Asterisk's log "
    "says `callcentre-disclosure is away` where nobody was there to write one",
    Leak.NOT_TOLD: "mend the cause, `prompts check` knows the sounds; on_failure: refuse lets "
    "nobody through who was not told",
    Leak.CONNECTED_EARLY: "connect only after the announcement: the 6th argument of Queue, or "
    "Dial with G() and then Bridge, as `dialplan` writes it",
    Leak.OTHER_COUNTRY: "have transfers and overflows announced too (disclosure-agents), or put "
    "right where the agent is in the configuration",
    Leak.NOT_EXACT: "add the announcement at stage=answered to this queue or Dial",
    Leak.UNKNOWN_AGENT: "add whoever this is to agents, or to --trunk if consumers come that way",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One connection that was not as it should be.

    ``record`` is the id of the record that tells most about it, ``country`` where the agent is as
    far as it is known, ``told`` the countries that the caller had been told last.
    """

    leak: Leak
    call: str
    since: datetime | None
    until: datetime | None
    consumer: str
    agent: str
    country: str | None
    told: tuple[str, ...]
    what: str
    record: str | None = None

    @property
    def remedy(self) -> str:
        return REMEDIES[self.leak]


class Fair(str, Enum):
    """What was right with a connection."""

    TOLD = "told"
    EXEMPT = "exempt"
    NOBODY = "nobody"


Verdict = Finding | Fair


def judge(
    call: Call,
    connection: Connection,
    roles: Roles,
    records: Sequence[Record],
    people: People,
    tolerance: timedelta = TOLERANCE,
) -> Verdict:
    """Hold a connection against the records of its call, which come in the order of time.

    Where it is not known when it was made, any record may be of afterwards: nothing is said against
    it that is not so in every case.
    """
    whole = _Case(call, connection, roles, records, people, tolerance).verdict()
    if connection.since is not None:
        return whole
    shorter = (records[:count] for count in reversed(range(len(records))))
    verdicts = (
        _Case(call, connection, roles, some, people, tolerance).verdict() for some in shorter
    )
    fair = (verdict for verdict in verdicts if isinstance(verdict, Fair))
    return next(fair, whole) if isinstance(whole, Finding) else whole


def is_conversation(connection: Connection) -> bool:
    """Whether the two had the time to say something."""
    if connection.since is None or connection.until is None:
        return True
    return connection.until + connection.resolution - connection.since >= CONVERSATION


class _Case:
    def __init__(
        self,
        call: Call,
        connection: Connection,
        roles: Roles,
        records: Sequence[Record],
        people: People,
        tolerance: timedelta,
    ) -> None:
        self._call = call
        self._connection = connection
        self._roles = roles
        self._people = people
        self._tolerance = tolerance
        self._directory = people.directory
        own = [record for record in records if self._heard(record)]
        self._played_elsewhere = [record for record in records if not self._heard(record)]
        began = connection.since or connection.until
        asked = began + tolerance if began else None
        self._latest = asked + connection.resolution if asked else None
        self._before = [one for one in own if asked is None or one.at <= asked]
        self._after = own[len(self._before) :]
        self._country = self._where()
        self._profile = self._rule()

    def verdict(self) -> Verdict:
        if not self._owed(None):
            return Fair.EXEMPT
        due = [record for record in self._before if record.was_due]
        if due:
            return self._as_told(due[-1])
        if self._before:
            return self._as_exempt(self._before[-1])
        return self._unannounced()

    # -- what is known ---------------------------------------------------------------------------

    def _heard(self, record: Record) -> bool:
        """Whether the announcement was played to this consumer."""
        consumer = self._roles.consumer
        if record.channel == consumer.channel or record.unique_id == consumer.unique_id:
            return True
        if record.channel.startswith("Local/"):
            return True
        return record.channel not in self._call.channels and not self._people.is_agent(
            record.channel
        )

    def _where(self) -> str | None:
        """The agent's country: the configuration knows it, or it was known when they answered."""
        if self._roles.agent is not None:
            return self._roles.agent.country
        names = {interface_of(name) for name in self._roles.names}
        for record in reversed(self._before):
            known = {interface_of(record.agent), record.member}
            if record.by_agent and len(record.countries) == 1 and names & known:
                return record.countries[0]
        return None

    def _rule(self) -> Profile:
        """The rule that was heeded last; else that of the number which was dialled."""
        named = self._before[-1].profile if self._before else ""
        if named and (known := self._directory.profiles.get(named)):
            return known
        if self._before:
            return Profile()
        numbers = self._call.numbers or (None,)
        routes = [
            route_of(self._facts(Stage.POSSIBLE, None, number), self._directory)
            for number in numbers
        ]
        default = self._directory.default_route
        route = next((route for route in routes if route is not default), default)
        return profile_of(self._facts(Stage.POSSIBLE, None, None), route, self._directory)

    def _facts(self, stage: Stage, told: Told | None, number: str | None = None) -> CallFacts:
        direction = self._before[-1].direction if self._before else self._roles.direction
        return CallFacts(
            unique_id="",
            channel="",
            door="reconcile",
            direction=direction,
            stage=stage,
            dialled_number=number if direction is Direction.INBOUND else None,
            caller_number=number if direction is Direction.OUTBOUND else None,
            route=self._call.route,
            told=told,
        )

    def _owed(self, told: Told | None, *stages: Stage) -> bool:
        """Whether the rule asks for more to be told than has been."""
        countries = (self._country,) if self._country else ()
        domestic = self._directory.domestic_country
        return any(
            duty(self._profile, self._facts(stage, told), countries, domestic).asked
            for stage in stages or tuple(Stage)
        )

    def _missing(self) -> datetime | None:
        """When Asterisk came to us for the last time without leaving a record."""
        for moment in reversed(self._call.asked_at):
            if self._latest is not None and moment > self._latest:
                continue
            records = (*self._before, *self._after)
            if not any(
                moment - self._tolerance <= record.at <= moment + self._tolerance + _COMES_WITHIN
                for record in records
            ):
                return moment
        return None

    # -- what follows ----------------------------------------------------------------------------

    def _as_told(self, last: Record) -> Verdict:
        """An announcement was due before, the last of them is the one that counts."""
        since = self._connection.since
        if last.outcome is DisclosureOutcome.ABANDONED and (since is None or self._is_rough()):
            return Fair.NOBODY
        if last.outcome is not DisclosureOutcome.DISCLOSED or last.told_at is None:
            why = f" ({last.cause})" if last.cause else ""
            return self._leak(
                Leak.NOT_TOLD,
                f"the announcement before the connection is {last.outcome.value}{why}",
                last,
            )
        is_late = self._latest is not None and last.told_at > self._latest
        if since is not None and is_late and not last.silences:
            late = (last.told_at - since).total_seconds()
            return self._leak(
                Leak.CONNECTED_EARLY,
                f"connected {late:.1f} s before the end of the announcement",
                last,
            )
        told = Told(last.stage, last.announced)
        if self._country is None:
            return self._leak(
                Leak.UNKNOWN_AGENT,
                f"told {_named(last.announced)}, and nobody knows where this person is",
                last,
            )
        if self._country not in last.announced:
            if not self._owed(told):
                return Fair.EXEMPT  # one announcement a call
            return self._missed(
                Leak.OTHER_COUNTRY,
                f"told {_named(last.announced)}, answered in {self._country}",
                last,
            )
        if self._owed(told, Stage.ANSWERED) and not self._decided(last):
            return self._missed(
                Leak.NOT_EXACT,
                f"told {_named(last.announced)} as possible, and not that it is {self._country}",
                last,
            )
        return Fair.TOLD

    def _decided(self, last: Record) -> bool:
        """Whether it was looked at afterwards, and nothing more had to be told."""
        later = self._before[self._before.index(last) + 1 :]
        return any(r.stage is Stage.ANSWERED and self._country in r.countries for r in later)

    def _as_exempt(self, last: Record) -> Verdict:
        """There are records, and all of them say that nothing was required."""
        told = Told.read(last.told_before)
        if told is not None and told.countries:
            return self._leak(
                Leak.RECORD_MISSING,
                f"told {_named(told.countries)} before, says a record; of that there is none",
                last,
            )
        if self._country is None:
            return self._leak(
                Leak.UNKNOWN_AGENT,
                f"not told, because {last.because}; nobody knows where this person is",
                last,
            )
        if self._country not in last.countries:
            return self._missed(
                Leak.OTHER_COUNTRY,
                f"not told, because {last.because}; answered in {self._country}",
                last,
            )
        if last.stage is Stage.ANSWERED:
            return Fair.EXEMPT
        return self._missed(Leak.NOT_EXACT, f"not told that it is {self._country}", last)

    def _unannounced(self) -> Verdict:
        if self._played_elsewhere:
            wrong = self._played_elsewhere[-1]
            return self._leak(
                Leak.NOT_TOLD, f"the announcement was played to {shown(wrong.channel)}", wrong
            )
        later = next((record for record in self._after if record.told_at), None)
        if later is not None and self._connection.since is not None:
            assert later.told_at is not None
            late = (later.told_at - self._connection.since).total_seconds()
            return self._leak(
                Leak.CONNECTED_EARLY, f"told only {late:.1f} s after the connection", later
            )
        return self._missed(Leak.NEVER_ANNOUNCED, "nothing says that the caller was told")

    def _missed(self, leak: Leak, what: str, record: Record | None = None) -> Finding:
        """A leak; unless Asterisk came to us, so that a record of more is missing."""
        moment = self._missing()
        if moment is None:
            return self._leak(leak, what, record)
        return self._leak(
            Leak.RECORD_MISSING,
            f"Asterisk had the call announced at {moment:%H:%M:%S} UTC, of which there is no "
            f"record; {what}",
            record,
        )

    def _leak(self, leak: Leak, what: str, record: Record | None = None) -> Finding:
        return Finding(
            leak=leak,
            call=self._call.id,
            since=self._connection.since,
            until=self._connection.until,
            consumer=shown(self._roles.consumer.channel),
            agent=shown(self._roles.person.channel),
            country=self._country,
            told=record.announced if record else (),
            what=what,
            record=record.id if record else None,
        )

    def _is_rough(self) -> bool:
        return self._connection.resolution > timedelta(0)


def shown(channel: str) -> str:
    """A channel's name as it may be shown: of a number in it the last two digits."""
    endpoint = endpoint_of(channel)
    return _NUMBER.sub(lambda found: masked(found[0]) or "", endpoint) + channel[len(endpoint) :]


def _named(countries: Sequence[str]) -> str:
    return ", ".join(countries) or "no country"
