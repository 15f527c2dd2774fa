"""``prompts import``: a person's voice instead of a synthesised one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.model import Configuration
from callcentre_disclosure.speech.recordings import TakenOver, assign, forget, import_recordings


@click.command()
@options.config
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="PATH…")
@click.option("--sound", help="The sound that a single file holds, such as fr/possible-ma.")
@click.option("--forget", "forgotten", multiple=True, help="A sound to take a recording away from.")
def command(
    config: Path, paths: tuple[Path, ...], sound: str | None, forgotten: tuple[str, ...]
) -> None:
    """Take over recordings of a person; they always win over a synthesised voice.

    PATH is a file named after its sound (fr/possible-ma-0dc21950.wav), or a folder of such files.
    The hash may be left out where that leaves one sound. `prompts list --csv` is what a studio
    needs: the names, and what to say. WAV, AIFF, FLAC, Ogg and MP3 are read, whatever their rate;
    m4a, aac and others where pydub and ffmpeg are installed.

    Exit 1 where a recording was refused; the sound that was there stays.
    """
    if not paths and not forgotten:
        raise click.UsageError("name a recording, a folder of them, or a sound to --forget")
    if sound and not paths:
        raise click.UsageError("--sound tells what a recording holds: name the recording too")
    configuration = load(config)
    folder = configuration.sounds.folder
    changed = 0
    if forgotten:
        for name in forget(forgotten, folder):
            click.echo(f"{name}: its recording is gone; run `callcentre-disclosure prompts build`")
            changed += 1
    taken, refused = _take_over(paths, sound, configuration) if paths else (0, 0)
    if paths:
        click.echo(f"{taken} taken over into {folder}, {refused} refused")
    if changed + taken:
        click.echo(_next(configuration))
    if refused:
        raise click.exceptions.Exit(1)


def _take_over(
    paths: Sequence[Path], sound: str | None, configuration: Configuration
) -> tuple[int, int]:
    """How many recordings were taken over, and how many files refused; it says why."""
    assigned = assign(paths, needed(configuration), sound)
    if assigned.passed_over:
        some = ", ".join(str(file) for file in assigned.passed_over[:3])
        more = f" and {len(assigned.passed_over) - 3} more" * (len(assigned.passed_over) > 3)
        click.echo(f"no sounds, and passed over: {some}{more}", err=True)
    if not assigned.recordings and not assigned.findings:
        raise click.UsageError("there are no recordings in it")
    report = import_recordings(
        assigned.recordings,
        configuration.sounds.folder,
        formats=configuration.sounds.formats,
        level=configuration.sounds.level,
        progress=_show,
    )
    findings = assigned.findings + report.findings
    for finding in findings:
        click.echo(str(finding), err=True)
    return len(report.taken_over), len({finding.file for finding in findings})


def _show(taken: TakenOver) -> None:
    click.echo(
        f"{taken.sound_name}: {taken.entry.seconds:.1f} s, "
        f"{taken.signal_to_noise:.0f} dB above the noise, from {taken.file}"
    )


def _next(configuration: Configuration) -> str:
    reload = "send the server SIGHUP, so that calls know them"
    if configuration.sounds.installed or configuration.sounds.url:
        return f"run `callcentre-disclosure prompts install`, then {reload}"
    return reload
