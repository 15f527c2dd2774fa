"""``simulate``: a call through the fake channel, and what was said on the wire."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from callcentre_disclosure.asterisk.facts import KEYS
from callcentre_disclosure.disclosure.announcement import Prompt
from callcentre_disclosure.disclosure.decision import Decision, decide
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.disclosure.session import CHOICE_CONTEXT
from callcentre_disclosure.service import Disclosure
from callcentre_disclosure.testing import FakeChannel, Fault

from . import options


@click.command()
@options.config
@options.call_facts
@click.option("--press", default="", metavar="KEY", help="What the caller presses in the offer.")
def command(config: Path, press: str, **given: Any) -> None:
    """Run a call through a fake channel: what is said on the wire, what the caller hears, and
    what the evidence would say.

    The dialplan is taken to have the extension of whoever chooses another agent. No evidence is
    kept. Exit 1 when the caller had to be told and was not.
    """
    disclosure = Disclosure.from_file(config)
    now = datetime.now(timezone.utc)
    decision = decide(options.facts("simulate", **given), disclosure.directory, now)
    offer = decision.offer
    channel = FakeChannel(
        given["did"] or "unknown",
        caller=given["caller"] or "unknown",
        language=decision.language,
        channel=f"{given['trunk'] or 'PJSIP/trunk'}-00000001",
        unique_id=f"{time.time():.0f}.1",
        arguments=[f"{key}={given[key]}" for key in KEYS if given.get(key)],
        variables={"DISCLOSURE_TOLD": str(given["told"] or "")},
        extensions=[f"{CHOICE_CONTEXT},{offer.queue}"] if offer else (),
        sounds=[*disclosure.prompts(), *_prompts(decision)],
        fault=Fault(press=press, press_in=offer.announcement.text) if offer else None,
    )
    driver = disclosure.agi(channel.now)
    channel.run(driver)
    record = driver.record
    assert record is not None, "the fake channel introduces its call"
    for line in (*channel.conversation, "", *channel.timeline, "", _verdict(record)):
        click.echo(line)
    if record.outcome not in (DisclosureOutcome.DISCLOSED, DisclosureOutcome.NOT_REQUIRED):
        raise click.exceptions.Exit(1)


def _prompts(decision: Decision) -> Iterator[Prompt]:
    """What the call may need besides: the dialplan may insist on a rule that no route names."""
    yield from decision.plan.after
    if decision.offer and decision.offer.prompt:
        yield decision.offer.prompt


def _verdict(record: LedgerRecord) -> str:
    countries = f" ({', '.join(record.announced)})" if record.announced else ""
    cause = f": {record.cause}" if record.cause else ""
    return f"{record.outcome.value}{countries}, then {record.disposition.value}{cause}"
