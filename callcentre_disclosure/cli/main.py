"""``callcentre-disclosure``: the commands by name, each imported when it is asked for."""

from __future__ import annotations

import os
import sys
from typing import IO, Any

import click

from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.errors import DisclosureError

from .lazy import LazyGroup

_COMMANDS = {
    "check": "Validate a configuration: every finding, with file and line.",
    "schema": "Print the JSON Schema of the configuration, for editors.",
    "explain": "Tell what a call would be told, and why.",
    "simulate": "Run a call through a fake channel and print what happens.",
    "prompts": "Build, check, list, import and install the sounds.",
    "agi": "Hold one AGI session on standard input and output.",
    "fastagi": "Run the FastAGI server.",
    "ari": "Run the ARI event handler.",
    "dialplan": "Write the extensions.conf that announces the calls of a configuration.",
    "doctor": "Find what goes wrong on this machine, and say what to do.",
    "evidence": "Show, verify and report on the evidence.",
    "demo": "Make a whole announced call on this machine.",
}


class _Commands(LazyGroup):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DisclosureError as problem:
            raise _Unusable(str(problem)) from problem
        except OSError as problem:
            if problem.filename is None:
                raise
            remedy = "see that it is there, and that this user may read it and write there"
            raise _Unusable(f"{problem.filename}: {problem.strerror}; {remedy}") from problem


@click.group(
    cls=_Commands,
    package=__package__,
    summaries=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"\b\nDocumentation: {shipped('docs')}",  # in one line, however long it is
)
@click.version_option(package_name="callcentre-disclosure")
def commands() -> None:
    """Tell a caller in which country the call is answered, before the connection."""


def main() -> None:
    """Entry point. Exit 0: done, 1: a finding, 2: wrong use or unreadable input."""
    try:
        commands()
    except BrokenPipeError:  # the reader of our output has gone (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


class _Unusable(click.ClickException):
    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file, err=file is None)
