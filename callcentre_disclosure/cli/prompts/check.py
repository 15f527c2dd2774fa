"""``prompts check``: what is wrong with the sounds, and which calls would suffer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.directory import checked_folders
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.model import Configuration
from callcentre_disclosure.speech.check import Defect, SoundFinding, check

_FEW = 3
_SUFFER = {
    **dict.fromkeys(Defect, "would not hear it"),
    Defect.INCOMPLETE: "would hear it in another format",
    Defect.TRUNCATED: "would not hear all of it",
    Defect.CHANGED: "may be told something else",
    Defect.TEXT: "would be told something else",
    Defect.LEVEL: "would hear it too loud or too quiet",
    Defect.PEAK: "would hear it distorted",
}
_CALLS = {
    "default": "to any other number",
    "agents": "answered by agents with a country of their own",
    "every route": "whose countries are not known",
    "queues": "in the queue {}",
    "trunks": "that come in by {}",
    "sites": "that {} may answer",
}


@click.command()
@options.config
@options.as_json
def command(config: Path, as_json: bool) -> None:
    """Say which sounds are missing, empty, cut, changed, unreadable, too loud or too quiet, and
    which calls would suffer.

    Exit 1 for findings.
    """
    configuration = load(config)
    users = needed(configuration)
    findings = check(users, checked_folders(configuration), level=configuration.sounds.level)
    needed_by = {sentence.sound_name: names for sentence, names in users.items()}
    rows = [(finding, _users(finding, needed_by)) for finding in findings]
    if as_json:
        found = [_json(finding, names) for finding, names in rows]
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for finding, names in rows:
            calls = ", ".join(_calls(configuration, names))
            click.echo(f"{finding}; calls {calls} {_SUFFER[finding.defect]}")
        if not rows:
            click.echo(f"{len(users)} sounds, no findings")
    if rows:
        raise click.exceptions.Exit(1)


def _users(finding: SoundFinding, needed_by: Mapping[str, Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for sound in finding.sound_names for name in needed_by[sound]))


def _calls(configuration: Configuration, names: Iterable[str]) -> Iterator[str]:
    """Which calls are meant by the names of ``needed``."""
    for name in names:
        kind, _, one = name.partition(".")
        if kind == "routes":
            numbers = configuration.routes[one].numbers
            more = f" and {len(numbers) - _FEW} more" if len(numbers) > _FEW else ""
            yield f"to {', '.join(numbers[:_FEW])}{more} ({name})"
        else:
            yield f"{_CALLS.get(kind, kind).format(one)} ({name})"


def _json(finding: SoundFinding, names: list[str]) -> dict[str, object]:
    return {
        "sounds": list(finding.sound_names),
        "file": finding.file,
        "defect": finding.defect.value,
        "problem": finding.problem,
        "remedy": finding.remedy,
        "needed_by": names,
    }
