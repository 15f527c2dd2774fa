"""``prompts install``: the sounds where Asterisk, or a web server, looks for them."""

from __future__ import annotations

from pathlib import Path

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.directory import sound_folders
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.model import Configuration
from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.speech.install import install

_ASTERISK = (Path("/var/lib/asterisk/sounds"), Path("/usr/share/asterisk/sounds"))


@click.command()
@options.config
@click.option(
    "--http",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="A web server's folder, from which Asterisk fetches the sounds.",
)
def command(config: Path, http: Path | None) -> None:
    """Put the sounds where Asterisk looks for them, or where a web server serves them.

    They go into sounds.installed as <language>/<name>, where calls play them from, and a dialplan
    can: Playback(possible-ma-0dc21950). Sounds that no configuration needs any more are removed;
    files that others put there are not touched.

    Exit 1 where a sound is missing or is not what was made.
    """
    configuration = load(config)
    target = http or configuration.sounds.installed or _nowhere(configuration)
    folders = sound_folders(configuration)
    report = install(
        needed(configuration),
        folders if http else folders[:-1],
        target,
        configuration.path,
        for_web=http is not None,
    )
    for finding in report.findings:
        click.echo(str(finding), err=True)
    if report.note:
        click.echo(report.note, err=True)
    click.echo(
        f"{len(report.installed)} installed, {len(report.kept)} kept, "
        f"{len(report.removed)} files removed in {target}"
    )
    click.echo(_after_web(target, configuration) if http else _after(configuration))
    if report.findings:
        raise click.exceptions.Exit(1)


def _nowhere(configuration: Configuration) -> Path:
    folder = next((place for place in _ASTERISK if place.is_dir()), _ASTERISK[0])
    raise SoundError(
        "sounds.installed is not set",
        where=str(configuration.path),
        remedy=f"write `installed: {folder}` below `sounds:`, or use --http DIR "
        "(`asterisk -rx 'core show settings'` names the data directory that has the sounds)",
    )


def _after(configuration: Configuration) -> str:
    if configuration.sounds.url:
        return f"calls fetch them from {configuration.sounds.url}: use --http DIR for these"
    return "send the server SIGHUP, so that calls play them from there"


def _after_web(folder: Path, configuration: Configuration) -> str:
    if configuration.sounds.url:
        return f"calls fetch them from {configuration.sounds.url}; send the server SIGHUP"
    return (
        f"serve {folder} with `Cache-Control: max-age=31536000`, write "
        "`url: https://HOST/FOLDER` below `sounds:`, and send the server SIGHUP"
    )
