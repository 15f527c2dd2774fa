"""``schema``: what editors need to help with a configuration."""

from __future__ import annotations

import json

import click

from callcentre_disclosure.config.schema import json_schema


@click.command()
def command() -> None:
    """Print the configuration's JSON Schema, for editors."""
    click.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))
