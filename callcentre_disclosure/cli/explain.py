"""``explain``: what a call would be told, and why."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from callcentre_disclosure.disclosure.decision import Decision, decide
from callcentre_disclosure.disclosure.route import FailurePolicy
from callcentre_disclosure.disclosure.sites import Basis
from callcentre_disclosure.service import Disclosure

from . import options

_WHY = {
    Basis.AGENT: "the agent who answered",
    Basis.SITE: "the site that the dialplan names",
    Basis.QUEUE: "the queue",
    Basis.DNID: "the dialled number",
    Basis.TRUNK: "the trunk",
    Basis.DEFAULT: "the default of the configuration",
    Basis.UNRESOLVED: "nothing that the configuration knows",
}
_ON_FAILURE = {
    FailurePolicy.GENERIC: "a sentence that names no country, then the call goes on",
    FailurePolicy.SILENT: "the call goes on",
    FailurePolicy.REFUSE: "the call is not connected",
}


@click.command()
@options.config
@options.call_facts
@click.option("--at", callback=options.moment, metavar="TIME", help="When (ISO 8601); now.")
@options.as_json
def command(config: Path, at: datetime, as_json: bool, **given: Any) -> None:
    """Tell what a call would be told, and why.

    Exit 1 when a caller would not be told.
    """
    call = options.facts("explain", **given)
    decision = decide(call, Disclosure.from_file(config).directory, at)
    told = _facts(decision, at)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        width = max(map(len, told))
        for key, value in told.items():
            shown = ", ".join(value) if isinstance(value, list) else value
            click.echo(f"{key.replace('_', ' '):<{width}}  {shown}")
    if decision.plan.prompt is None:
        raise click.exceptions.Exit(1)


def _facts(decision: Decision, at: datetime) -> dict[str, str | list[str]]:
    resolution, plan = decision.resolution, decision.plan
    policy = decision.route.on_failure
    answered_by = (
        [resolution.agent.interface]
        if resolution.agent
        else [
            f"{site.name} ({site.country}{'' if site.open_at(at) else ', closed now'})"
            for site in resolution.sites
        ]
    )
    found: dict[str, str | list[str]] = {
        "route": decision.route.id,
        "at": at.isoformat(timespec="minutes"),
        "answered_by": answered_by,
        "because_of": _WHY[resolution.basis],
        "countries": list(plan.countries),
        "language": decision.language,
    }
    if plan.before:
        found["begins_with"] = [prompt.announcement.text for prompt in plan.before]
    if plan.prompt:
        found["sentence"] = plan.prompt.announcement.text
        found["sound"] = f"{plan.prompt.sound.path} ({plan.prompt.sound.seconds:.1f} s)"
    else:
        found["not_told"] = decision.obstacle
        if policy is FailurePolicy.GENERIC:
            found["instead"] = decision.generic.text
    if plan.after:
        found["adds"] = [prompt.announcement.text for prompt in plan.after]
    if plan.unsaid:
        found["without_a_sound"] = list(plan.unsaid)
    found["if_it_fails"] = f"{policy.value}: {_ON_FAILURE[policy]}"
    return found
