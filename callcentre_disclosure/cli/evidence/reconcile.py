"""``evidence reconcile``: the evidence against Asterisk's own records of who was connected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.kinds import secret_complaint
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.errors import plain
from callcentre_disclosure.evidence.document import utc
from callcentre_disclosure.evidence.reading import opened
from callcentre_disclosure.evidence.reconcile import cdr, cel, queue_log
from callcentre_disclosure.evidence.reconcile.calls import Call
from callcentre_disclosure.evidence.reconcile.comparison import Comparison, Counts
from callcentre_disclosure.evidence.reconcile.judging import TOLERANCE, Finding
from callcentre_disclosure.evidence.reconcile.people import People
from callcentre_disclosure.evidence.reconcile.records import Records
from callcentre_disclosure.evidence.reconcile.rows import HOW_TO_LOG, Reading

from .searching import begin, end, still_waiting

#: Calls began before the time that is of interest, and ended after it.
_AROUND = timedelta(days=1)
_EMPTY = f"no calls in it; is it switched on? Then {HOW_TO_LOG}"
_PURGED = "SELECT COUNT(*) FROM entries WHERE kind = 'disclosure' AND document IS NULL"


def _names(_: click.Context, __: click.Parameter, value: str | None) -> list[str]:
    return [name.strip().lower() for name in value.split(",")] if value else []


def _places(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for place in value:
        if complaint := secret_complaint(place):
            raise click.BadParameter("; ".join(complaint))  # ps shows it to everybody
    return value


@click.command()
@options.config
@click.option(
    "--cel",
    "cel_places",
    multiple=True,
    callback=_places,
    metavar="FILE|URL",
    help="Channel Event Logging: a file (CSV, JSON, SQLite), or a PostgreSQL URL.",
)
@click.option(
    "--cdr",
    "cdr_places",
    multiple=True,
    callback=_places,
    metavar="FILE|URL",
    help="Call Detail Records: the same.",
)
@click.option(
    "--queue-log", "queue_logs", multiple=True, metavar="FILE", help="The log of the queues."
)
@click.option("--from", "since", callback=begin, metavar="DAY|TIME", help="Connections since then.")
@click.option(
    "--to", "before", callback=end, metavar="DAY|TIME", help="Connections up to that day, or time."
)
@click.option(
    "--trunk",
    "trunks",
    multiple=True,
    metavar="PATTERN",
    help="An endpoint that consumers come by (PJSIP/carrier*); without any: all but agents.",
)
@click.option(
    "--columns",
    callback=_names,
    metavar="NAME,NAME...",
    help="Of a CSV file in a form of its own, by the names of the sample tables.",
)
@click.option("--utc", "is_utc", is_flag=True, help="Times without a zone are in UTC (usegmtime).")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 60),
    default=TOLERANCE.total_seconds(),
    show_default=True,
    metavar="SECONDS",
    help="What the clocks of Asterisk and ours may differ by.",
)
@options.as_json
def command(
    config: Path,
    cel_places: tuple[str, ...],
    cdr_places: tuple[str, ...],
    queue_logs: tuple[str, ...],
    since: datetime | None,
    before: datetime | None,
    trunks: tuple[str, ...],
    columns: list[str],
    is_utc: bool,
    tolerance: float,
    as_json: bool,
) -> None:
    """List every call that reached a person without having been told before where that person is,
    by what Asterisk itself has written down of it.

    CEL is the best witness. CDR and the log of the queues do not tell whether an announcement was
    over before the connection: of them count the calls that the source before does not know.

    Exit 1 for findings.
    """
    if not (cel_places or cdr_places or queue_logs):
        raise click.UsageError("name Asterisk's records: --cel, --cdr or --queue-log")
    configuration = load(config)
    people = People(configuration, trunks)
    reading = Reading(
        columns,
        timezone.utc if is_utc else None,
        since - _AROUND if since else None,
        before + _AROUND if before else None,
    )
    sources: dict[str, Iterator[Call]] = {}
    if cel_places:
        sources["cel"] = cel.calls(cel_places, reading)
    if cdr_places:
        sources["cdr"] = cdr.calls(
            cdr_places, replace(reading, columns=()) if cel_places else reading
        )
    if queue_logs:
        sources["queue_log"] = queue_log.calls(queue_logs, reading)
    found: list[dict[str, object]] = []
    compared: dict[str, Counts] = {}
    known: set[str] = set()
    waits = still_waiting(configuration.evidence)
    with opened(configuration.evidence) as store:
        for name, calls in sources.items():
            comparison = Comparison(
                people,
                since=since,
                before=before,
                tolerance=timedelta(seconds=tolerance),
                known=known,
            )
            for finding in comparison.findings(calls, Records(store)):
                found.append(_json(name, finding))
                if not as_json:
                    for line in _text(name, finding):
                        click.echo(plain(line))
            known |= comparison.seen
            compared[name] = comparison.counts
            if not comparison.seen:
                click.echo(f"{name}: {_EMPTY}", err=True)
        ((purged,),) = store.read(_PURGED)
    unread = reading.broken.found
    if unread:
        what = f"{len(unread)} lines cannot be read, the first is {unread[0]}"
        click.echo(f"{what}: what they tell is not compared", err=True)
    if waits:
        click.echo(f"{waits}: their calls seem to have none", err=True)
    if as_json:
        counted = {name: asdict(counts) for name, counts in compared.items()}
        told = {"findings": found, "compared": counted, "purged": purged, "unread": unread}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for name, counts in compared.items():
            click.echo(_summary(name, counts))
        if purged:
            click.echo(f"{purged} records have been purged: their calls seem to have none")
    if found:
        raise click.exceptions.Exit(1)


def _text(source: str, finding: Finding) -> Iterator[str]:
    when = finding.since or finding.until
    at = f"{when.astimezone():%Y-%m-%d %H:%M:%S%z}" if when else ""
    if finding.since is None:
        at = f"before {at}"
    where = f" ({finding.country})" if finding.country else ""
    talked = ""
    if finding.since and finding.until:
        talked = f" for {(finding.until - finding.since).total_seconds():.1f} s"
    record = f" (record {finding.record})" if finding.record else ""
    yield (
        f"{at}  {finding.leak.value}  call {finding.call} by {source}: "
        f"{finding.consumer or 'the caller'} with {finding.agent}{where}{talked}"
    )
    yield f"    {finding.what}{record}; {finding.remedy}"


def _summary(source: str, counts: Counts) -> str:
    return (
        f"{source}: {counts.calls} calls reached a person: {counts.told} told, "
        f"{counts.exempt} exempt, {counts.leaks} not as they should be; {counts.internal} among "
        f"agents, {counts.unreached} reached nobody; {counts.records} records, "
        f"{counts.unmatched} of calls that are not in it"
    )


def _json(source: str, finding: Finding) -> dict[str, object]:
    return {
        "leak": finding.leak.value,
        "source": source,
        "call": finding.call,
        "since": utc(finding.since) if finding.since else None,
        "until": utc(finding.until) if finding.until else None,
        "consumer": finding.consumer,
        "agent": finding.agent,
        "country": finding.country,
        "told": list(finding.told),
        "record": finding.record,
        "what": finding.what,
        "remedy": finding.remedy,
    }
