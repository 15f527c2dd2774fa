"""``callcentre-disclosure``: the commands by name, each imported when it is asked for."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import IO, Any

import click

from callcentre_disclosure.errors import DisclosureError

_COMMANDS = {
    "check": "Validate a configuration: every finding, with file and line.",
    "schema": "Print the JSON Schema of the configuration, for editors.",
    "explain": "Tell what a call would be told, and why.",
    "simulate": "Run a call through a fake channel and print the conversation.",
    "prompts": "Build, check and list the sounds.",
    "agi": "Hold one AGI session on standard input and output.",
    "fastagi": "Run the FastAGI server.",
    "demo": "Make a whole announced call on this machine.",
}


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DisclosureError as problem:
            raise _Unusable(str(problem)) from problem

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"callcentre_disclosure.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
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
