"""``prompts sentences``: every country in every language, to be read by those who speak it."""

from __future__ import annotations

from pathlib import Path

import click

from callcentre_disclosure.config.countries import countries
from callcentre_disclosure.config.wordings import available_languages, wording
from callcentre_disclosure.disclosure.announcement import announcement
from callcentre_disclosure.disclosure.call import Direction, Stage


@click.command()
@click.argument("languages", nargs=-1, metavar="[LANGUAGE…]")
@click.option(
    "--texts",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of <language>.yaml files, as `texts: {folder: …}` names it.",
)
@click.option(
    "--direction",
    type=click.Choice([direction.value for direction in Direction]),
    default=Direction.INBOUND.value,
    show_default=True,
)
def command(languages: tuple[str, ...], texts: Path | None, direction: str) -> None:
    """Print what is said of each country of the world, at both stages of a call.

    Exit 1 where a language has no words for a country.
    """
    missing = []
    for language in languages or available_languages(texts):
        words = wording(language, texts)
        for stage in Stage:
            for code in countries():
                said = announcement(words, Direction(direction), stage, (code,))
                if said:
                    click.echo(f"{language}  {stage.value:<8}  {code}  {said.text}")
                elif stage is Stage.POSSIBLE:
                    missing.append(f"{language}: there are no words for {code}")
    for line in missing:
        click.echo(line, err=True)
    if missing:
        raise click.exceptions.Exit(1)
