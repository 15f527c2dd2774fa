"""``prompts``: the sounds, before the first call."""

from __future__ import annotations

import json
from pathlib import Path

import click

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.directory import sound_folders, sounds
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import read_manifest
from callcentre_disclosure.speech.build import Built, build, check
from callcentre_disclosure.speech.engines import NanoTts

from . import options


@click.group()
def command() -> None:
    """Build, check and list the sounds."""


@command.command("build")
@options.config
@click.option("--jobs", type=click.IntRange(1), help="Processes; one for each processor.")
def build_sounds(config: Path, jobs: int | None) -> None:
    """Make every sound that the configuration can ever need and that is not there.

    Exit 1 where one could not be made.
    """
    configuration = load(config)
    shipped, folder = sound_folders(configuration)
    there = read_manifest(shipped)
    wanted = [sentence for sentence in needed(configuration) if sentence.sound_name not in there]
    report = build(wanted, folder, NanoTts(), jobs=jobs, progress=_progress)
    for failure in report.failed:
        click.echo(str(failure), err=True)
    click.echo(
        f"{len(report.built)} built, {len(report.kept)} kept in {folder}, "
        f"{len(there)} come with the package"
    )
    if report.failed:
        raise click.exceptions.Exit(1)


@command.command("check")
@options.config
def check_sounds(config: Path) -> None:
    """Say which sounds are missing, empty, cut, changed, too loud or too quiet, and who needs them.

    Exit 1 for findings.
    """
    configuration = load(config)
    users = needed(configuration)
    # The folder that was built wins, as it does in a call.
    findings = check(users, tuple(reversed(sound_folders(configuration))))
    needed_by = {sentence.sound_name: names for sentence, names in users.items()}
    for finding in findings:
        click.echo(f"{finding} (needed by {', '.join(needed_by[finding.sound_name])})")
    if findings:
        raise click.exceptions.Exit(1)
    click.echo(f"{len(users)} sounds, no findings")


@command.command("list")
@options.config
@options.as_json
def list_sounds(config: Path, as_json: bool) -> None:
    """List every announcement that the configuration can ever need, and its sound."""
    configuration = load(config)
    there = sounds(configuration)
    rows = [
        {
            "sound": sentence.sound_name,
            "text": sentence.text,
            "seconds": sound.seconds if (sound := there.get(sentence.sound_name)) else None,
            "needed_by": list(users),
        }
        for sentence, users in needed(configuration).items()
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        seconds = "missing" if row["seconds"] is None else f"{row['seconds']:.1f} s"
        click.echo(f"{row['sound']:<44} {seconds:>8}  {row['text']}")


def _progress(built: Built) -> None:
    click.echo(f"{built.done}/{built.total} {built.sound_name} {built.entry.seconds:.1f} s")
