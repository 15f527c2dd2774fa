"""``doctor``: what is wrong on this machine, and what to do about it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from callcentre_disclosure.config.loader import load
from callcentre_disclosure.doctor.examination import Examined, examine

from . import options


def _words(_: click.Context, __: click.Parameter, value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError as problem:
        raise click.BadParameter(f"quote it as in a shell: {problem}") from problem


@click.command()
@options.config
@click.option(
    "--asterisk",
    default="asterisk",
    show_default=True,
    callback=_words,
    metavar="COMMAND",
    help="How Asterisk is called here, such as 'asterisk -C /etc/other/asterisk.conf'.",
)
@click.option(
    "--asterisk-user",
    metavar="USER",
    help="Who runs Asterisk; whoever does, or the user asterisk, without it.",
)
@options.as_json
def command(config: Path, asterisk: list[str], asterisk_user: str | None, as_json: bool) -> None:
    """Look for what goes wrong in the field, on this machine, and say what to do about it.

    Changes nothing. Run it as root: what the user may not see is not looked at, and said so.

    Exit 1 for findings.
    """
    if not options.is_readable(config):
        load(config)  # tells why
    examined = examine(config, asterisk, asterisk_user)
    if as_json:
        click.echo(json.dumps(_document(examined), ensure_ascii=False, indent=2))
    else:
        _print(examined)
    if any(one.ailments for one in examined):
        raise click.exceptions.Exit(1)


def _print(examined: Sequence[Examined]) -> None:
    for one in examined:
        for ailment in one.ailments:
            click.echo(ailment)
    for one in examined:
        for unseen in one.unseen:
            click.echo(f"not looked at: {unseen.why}")
    if well := [one.part for one in examined if not one.ailments and not one.unseen]:
        click.echo(f"no findings: {', '.join(well)}")


def _document(examined: Sequence[Examined]) -> dict[str, object]:
    return {
        "findings": [
            {"part": one.part, **asdict(ailment)} for one in examined for ailment in one.ailments
        ],
        "not_looked_at": [
            {"part": one.part, "why": unseen.why} for one in examined for unseen in one.unseen
        ],
    }
