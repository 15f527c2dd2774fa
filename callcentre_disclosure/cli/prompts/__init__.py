"""``prompts``: the sounds, before the first call."""

from __future__ import annotations

import click

from callcentre_disclosure.cli.lazy import LazyGroup

_COMMANDS = {
    "build": "Make every sound that the configuration can ever need.",
    "check": "Say what is wrong with the sounds, and which calls would suffer.",
    "list": "List every announcement that the configuration can need, and its sound.",
    "sentences": "Print what is said of each country of the world, for those who translate.",
    "import": "Take over recordings of a person.",
    "install": "Put the sounds where Asterisk, or a web server, finds them.",
}


@click.group(cls=LazyGroup, package=__package__, summaries=_COMMANDS)
def command() -> None:
    """Build, check, list, import and install the sounds."""
