"""``explain``: what a call would be told, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from callcentre_disclosure.disclosure.announcement import Prompt
from callcentre_disclosure.disclosure.decision import Decision, decide
from callcentre_disclosure.disclosure.profile import Profile
from callcentre_disclosure.disclosure.route import FailurePolicy, Media
from callcentre_disclosure.disclosure.sites import Basis, Site
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
    FailurePolicy.ALL: "a sentence that names every country of the configuration, then the call "
    "goes on",
    FailurePolicy.SILENT: "the call goes on",
    FailurePolicy.REFUSE: "a sentence that says so, and the call is not connected",
}

_MEDIA = {
    Media.ANSWERED: "in the call, which is answered for it",
    Media.EARLY: "before the call is answered (SIP 183)",
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
            click.echo(f"{key.replace('_', ' '):<{width}}  {_shown(value)}")
    if decision.duty.asked and decision.plan.prompt is None:
        raise click.exceptions.Exit(1)


def _shown(value: str | list[str]) -> str:
    if isinstance(value, str):
        return value
    are_sentences = any(text.endswith(".") for text in value)
    return (" " if are_sentences else ", ").join(value) or "none"


def _facts(decision: Decision, at: datetime) -> dict[str, str | list[str]]:
    plan, asked, offer = decision.plan, decision.duty.asked, decision.offer
    found: dict[str, str | list[str]] = {
        "route": decision.route.id,
        **_rule(decision.profile),
        "asked_for": f"{'yes' if asked else 'no'}: {decision.duty.because}",
        "at": at.isoformat(timespec="minutes"),
        "answered_by": _answered_by(decision, at),
        "because_of": _WHY[decision.resolution.basis],
        "countries": list(plan.countries),
        "language": decision.language,
    }
    said = [*plan.before, *plan.after, *filter(None, [offer and offer.prompt])]
    if decision.unknown:
        found["not_known"] = decision.unknown
    if plan.before:
        found["begins_with"] = _texts(plan.before)
    if not asked:
        found["sentence"] = "none"
    elif plan.prompt:
        found["sentence"] = plan.prompt.announcement.text
        found["sound"] = f"{plan.prompt.sound.path} ({plan.prompt.sound.seconds:.1f} s)"
        said.append(plan.prompt)
    else:
        instead = _instead(decision)
        found["not_told"] = decision.obstacle
        found["instead"] = instead.announcement.text if instead else "nothing is said"
        said += filter(None, [instead])
    if plan.after:
        found["adds"] = _texts(plan.after)
    if offer:
        found["offers"] = offer.announcement.text
        found["who_chooses"] = (
            f"presses {offer.key} up to {offer.seconds:g} s after that, "
            f"and goes on in the queue {offer.queue}"
        )
        if not offer.prompt:
            found["not_offered"] = f"missing: sound {offer.announcement.sound_name}"
    elif decision.profile.choice and not decision.route.choice:
        found["offers"] = f"nothing: the route {decision.route.id} has no queue under choice"
    if said:
        found["heard"] = _MEDIA[decision.media] + (", and sent as text messages" * decision.text)
    if plan.unsaid:
        found["without_a_sound"] = list(plan.unsaid)
    if asked:
        policy = decision.route.on_failure
        found["if_it_fails"] = f"{policy.value}: {_ON_FAILURE[policy]}"
    return found


def _rule(profile: Profile) -> dict[str, str]:
    if not profile.id:
        return {"rule": "no rule is named: what the dialplan asks for is announced, nothing twice"}
    rule = profile.id + (f", as of {profile.version}" if profile.version else "")
    return {"rule": rule, **({"rule_title": profile.title} if profile.title else {})}


def _answered_by(decision: Decision, at: datetime) -> list[str]:
    agent = decision.resolution.agent
    if agent:
        return [f"{agent.interface} ({agent.country})"]
    return [
        f"{site.name} ({site.country}{_homes(site)}{'' if site.open_at(at) else ', closed now'})"
        for site in decision.resolution.sites
    ]


def _homes(site: Site) -> str:
    return f", agents at home in {' '.join(site.home_countries)}" if site.home_countries else ""


def _texts(prompts: Iterable[Prompt]) -> list[str]:
    return [prompt.announcement.text for prompt in prompts]


def _instead(decision: Decision) -> Prompt | None:
    """What is said first that has a sound, where the countries cannot be told."""
    prompts = [fallback.prompt for fallback in decision.fallbacks]
    if decision.route.on_failure is FailurePolicy.REFUSE:
        prompts = [decision.refusal]
    return next(filter(None, prompts), None)
