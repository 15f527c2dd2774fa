"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from callcentre_disclosure.config.location import configuration_path
from callcentre_disclosure.disclosure.call import CallFacts, Direction, Stage, Told

F = TypeVar("F", bound=Callable[..., Any])

config = click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=configuration_path,
    show_default="CALLCENTRE_DISCLOSURE_CONFIG or /etc/callcentre-disclosure/config.yaml",
    help="The configuration.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def is_readable(path: Path) -> bool:
    """Whether a configuration can be opened at all; that it cannot is wrong use, and no finding."""
    return os.access(path, os.R_OK) and not path.is_dir()


def told(_: click.Context, __: click.Parameter, value: str | None) -> Told | None:
    """``--told``: what DISCLOSURE_TOLD holds."""
    read = Told.read(value or "")
    if value and read is None:
        stages = " or ".join(stage.value for stage in Stage)
        raise click.BadParameter(f"begin with {stages}, then the countries: possible MA TN")
    return read


def call_facts(command: F) -> F:
    """The options that describe a call; ``facts`` makes one of them."""
    for option in (
        click.option("--language", help="What the dialplan asks for."),
        click.option(
            "--stage", type=click.Choice([s.value for s in Stage]), default=Stage.POSSIBLE.value
        ),
        click.option(
            "--direction",
            type=click.Choice([d.value for d in Direction]),
            default=Direction.INBOUND.value,
        ),
        click.option("--caller", help="The caller's number."),
        click.option("--trunk", help="The endpoint by which the call came in."),
        click.option("--agent", help="The interface of the agent who answered."),
        click.option("--queue", help="The queue."),
        click.option(
            "--told",
            callback=told,
            metavar="'STAGE COUNTRY...'",
            help="What the caller was told before, as DISCLOSURE_TOLD has it: 'possible MA TN'.",
        ),
        click.option("--site", help="A site that the dialplan insists on."),
        click.option("--profile", help="A rule that the dialplan insists on, not the route's."),
        click.option("--route", help="A route that the dialplan insists on, not the number's."),
        click.option("--did", help="The number that was dialled."),
    ):
        command = option(command)
    return command


def facts(door: str, **given: Any) -> CallFacts:
    """The call that the options of ``call_facts`` describe."""
    return CallFacts(
        unique_id="",
        channel="",
        door=door,
        direction=Direction(given["direction"]),
        stage=Stage(given["stage"]),
        dialled_number=given["did"],
        caller_number=given["caller"],
        queue=given["queue"],
        agent=given["agent"],
        route=given["route"],
        profile=given["profile"],
        site=given["site"],
        told=given["told"],
        trunk=given["trunk"],
        language=given["language"],
    )


def moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime:
    """``--at``: a time in ISO 8601, in this machine's zone where it names none; else now."""
    try:
        given = datetime.fromisoformat(value) if value else datetime.now()  # noqa: DTZ005
        return given if given.tzinfo else given.astimezone()
    except ValueError as problem:
        raise click.BadParameter("not a time; write it as 2026-11-23T21:00+01:00") from problem
