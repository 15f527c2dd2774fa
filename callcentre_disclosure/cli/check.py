"""``check``: is a configuration fit for calls?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from callcentre_disclosure.config.loader import load
from callcentre_disclosure.errors import ConfigurationError

from . import options


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@options.config
@options.as_json
def command(file: Path | None, config: Path, as_json: bool) -> None:
    """Validate a configuration: `file:line: key: what is wrong; what to do`, all in one run.

    Exit 1 for findings.
    """
    path = file or config
    try:
        configuration = load(path)
    except ConfigurationError as problem:
        if not options.is_readable(path):
            raise
        if as_json:
            click.echo(json.dumps([asdict(finding) for finding in problem.findings], indent=2))
        else:
            click.echo(str(problem))
        raise click.exceptions.Exit(1) from None
    if as_json:
        click.echo("[]")
    else:
        counted = ", ".join(
            f"{len(getattr(configuration, part))} {part}"
            for part in ("sites", "agents", "queues", "routes")
        )
        click.echo(f"{path}: no findings ({counted})")
