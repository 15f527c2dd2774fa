"""``prompts list``: every announcement that a configuration can need, and its sound."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.speech.catalogue import Listed, listed, page

_FEW = 3
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@click.command()
@options.config
@options.as_json
@click.option(
    "--html",
    type=click.File("w", encoding="utf-8", atomic=True),
    help="Write a page to listen to them; - for standard output.",
)
@click.option(
    "--csv",
    "sheet",
    type=click.File("w", encoding="utf-8-sig", atomic=True),
    help="Write what a studio has to record, for a spreadsheet; - for standard output.",
)
def command(config: Path, as_json: bool, html: IO[str] | None, sheet: IO[str] | None) -> None:
    """List every announcement that the configuration can ever need, its sound, and who needs it.

    --html makes one page to listen to them all, with what is missing or defective on top.
    """
    configuration = load(config)
    sentences = listed(configuration)
    if html:
        html.write(page(configuration, datetime.now().astimezone()))
    if sheet:
        _write_sheet(sheet, sentences)
    if as_json:
        click.echo(json.dumps([_json(one) for one in sentences], ensure_ascii=False, indent=2))
    elif not html and not sheet:
        for one in sentences:
            click.echo(_line(one))


def _json(one: Listed) -> dict[str, object]:
    return {
        "sound": one.announcement.sound_name,
        "text": one.announcement.text,
        "seconds": one.entry.seconds if one.entry else None,
        "needed_by": list(one.users),
    }


def _line(one: Listed) -> str:
    seconds = f"{one.entry.seconds:.1f} s" if one.entry else "missing"
    users = ", ".join(one.users[:_FEW])
    if len(one.users) > _FEW:
        users += f" and {len(one.users) - _FEW} more"
    sentence = one.announcement
    return f"{sentence.sound_name:<44} {seconds:>8}  {sentence.text}  ({users})"


def _write_sheet(file: IO[str], sentences: Iterable[Listed]) -> None:
    """Semicolons and a byte order mark, with which every spreadsheet in Europe opens it; lengths
    with their unit, since 3.8 alone is the third of August to some."""
    rows = csv.writer(file, delimiter=";", lineterminator="\r\n")
    rows.writerow(("sound", "language", "text", "present length"))
    for one in sentences:
        sentence = one.announcement
        length = f"{one.entry.seconds:.1f} s" if one.entry else ""
        rows.writerow((sentence.sound_name, sentence.language, _cell(sentence.text), length))


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
