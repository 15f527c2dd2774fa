"""``evidence``: what was told to whom, and the proof of it."""

from __future__ import annotations

import click

from callcentre_disclosure.cli.lazy import LazyGroup

_COMMANDS = {
    "show": "Tell where one call was answered, and whether the caller was told.",
    "list": "List disclosures.",
    "verify": "Find out whether anybody has changed the ledger.",
    "export": "Write disclosures as CSV, JSON Lines or Parquet.",
    "report": "Count who was told, and who was not, and why.",
    "reconcile": "Compare with Asterisk's own records of who was connected.",
    "numbers": "List the numbers with the countries in which their calls are answered.",
    "certification": "Make the table of a year's calls by country.",
    "checkpoint": "Sign how far the ledger has come.",
    "rotate": "Take a new key into use.",
    "purge": "Remove what has been kept long enough.",
    "upkeep": "Forward records to PostgreSQL and sign the day's checkpoint, as the servers do.",
}


@click.group(cls=LazyGroup, package=__package__, summaries=_COMMANDS)
def command() -> None:
    """Show, verify and report on the evidence."""
