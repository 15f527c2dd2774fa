"""``simulate``: a call through the fake channel, and what was said on the wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from callcentre_disclosure.service import Disclosure
from callcentre_disclosure.testing import FakeChannel

from . import options


@click.command()
@options.config
@options.call_facts
def command(config: Path, **given: Any) -> None:
    """Run a call through a fake channel and print the conversation.

    The evidence of a simulated call is not kept. Exit 1 when the caller was not told.
    """
    disclosure = Disclosure.from_file(config)
    arguments = [f"{key}={given[key]}" for key in ("stage", "direction") if given[key]]
    arguments += [f"{key}={given[key]}" for key in ("queue", "agent", "language") if given[key]]
    channel = FakeChannel(
        given["did"] or "unknown",
        caller=given["caller"] or "unknown",
        channel=f"{given['trunk'] or 'PJSIP/trunk'}-00000001",
        arguments=arguments,
        sounds=disclosure.prompts(),
    )
    channel.run(disclosure.agi(channel.now))
    for line in (*channel.conversation, "", *channel.timeline):
        click.echo(line)
    if channel.variables.get("DISCLOSURE_STATUS") != "DISCLOSED":
        raise click.exceptions.Exit(1)
