"""``prompts build``: every sound, before the first call."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.directory import sound_folders
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import read_manifest
from callcentre_disclosure.config.model import Configuration, SoundsEntry
from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.speech.build import BuildReport, Built, build
from callcentre_disclosure.speech.plan import Plan, plan

if TYPE_CHECKING:
    from callcentre_disclosure.speech.engines import Engine

_DEFAULT_ENGINE = "py-nanotts"
_INTERRUPTED = 130  # what a shell says of a program that Ctrl-C ended


@click.command()
@options.config
@click.option("--jobs", type=click.IntRange(1), help="Processes; one for each processor.")
@click.option("--again", is_flag=True, help="Make all anew but recordings: the engine changed.")
def command(config: Path, jobs: int | None, again: bool) -> None:
    """Make every sound that the configuration can ever need and that is not there.

    Exit 1 where one could not be made, 130 after Ctrl-C; what was made until then stays.
    """
    configuration = load(config)
    sounds = configuration.sounds
    wanted, shipped = _wanted(configuration)
    todo = plan(wanted, sounds.folder, formats=sounds.formats, level=sounds.level, again=again)
    report = BuildReport((), todo.kept, todo.failed)
    if todo.work:
        report = _build(sounds, wanted, todo, again=again, jobs=jobs)
    for failure in report.failed:
        click.echo(str(failure), err=True)
    click.echo(
        f"{len(report.built)} built, {len(report.kept)} kept in {sounds.folder}, "
        f"{shipped} come with the package"
    )
    if report.failed:
        raise click.exceptions.Exit(1)


def _build(
    sounds: SoundsEntry, wanted: list[Announcement], todo: Plan, *, again: bool, jobs: int | None
) -> BuildReport:
    built: list[Built] = []
    try:
        engines = _engines(sounds, todo.languages)
        with _progress(len(todo.work)) as show:

            def progress(sound: Built) -> None:
                built.append(sound)
                show(sound)

            return build(
                wanted,
                sounds.folder,
                engines,
                formats=sounds.formats,
                level=sounds.level,
                again=again,
                jobs=jobs,
                progress=progress,
            )
    except KeyboardInterrupt:
        click.echo(f"interrupted: {len(built)} built and kept in {sounds.folder}", err=True)
        raise click.exceptions.Exit(_INTERRUPTED) from None
    except SoundError as problem:
        before = f" ({len(built)} built before)" if built else ""
        click.echo(f"{problem}{before}", err=True)
        raise click.exceptions.Exit(1) from problem


def _wanted(configuration: Configuration) -> tuple[list[Announcement], int]:
    """The sentences to have a sound of one's own for, and how many need none: the package brings
    it, whole, as it is wanted, and calls play it."""
    sentences = list(needed(configuration))
    sounds = configuration.sounds
    if not sounds.as_shipped:
        return sentences, 0
    package = sound_folders(configuration)[0]
    shipped = set(plan(sentences, package, formats=(), level=sounds.level).kept)
    shipped -= read_manifest(sounds.folder).keys()
    return [s for s in sentences if s.sound_name not in shipped], len(shipped)


def _engines(sounds: SoundsEntry, languages: Iterable[str]) -> Mapping[str, Engine]:
    """The engine of each language, and what is to be known of it on standard error."""
    from callcentre_disclosure.speech.engines import caution, engine

    names = {
        language: sounds.engines.get(language) or sounds.engine or _DEFAULT_ENGINE
        for language in languages
    }
    command = _words(sounds.command or "")
    made = {
        name: engine(name, command if name == "command" else ())
        for name in dict.fromkeys(names.values())
    }
    for name, one in made.items():
        if sentence := caution(one):
            click.echo(f"{name}: {sentence}", err=True)
    return {language: made[name] for language, name in names.items()}


def _words(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError as problem:
        raise SoundError(
            f"sounds.command cannot be read: {problem}", remedy="quote it as in a shell"
        ) from problem


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Built], None]]:
    """Shows each sound: on a terminal by a bar that moves, in a log by a line."""
    if not sys.stdout.isatty():
        yield lambda sound: click.echo(
            f"{sound.done}/{sound.total} {sound.sound_name} {sound.entry.seconds:.1f} s"
        )
        return
    with click.progressbar(
        length=total, show_pos=True, item_show_func=lambda name: name or ""
    ) as bar:
        yield lambda sound: bar.update(sound.done - bar.pos, sound.sound_name)
