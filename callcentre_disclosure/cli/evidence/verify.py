"""``evidence verify``: whether anybody has changed the ledger."""

from __future__ import annotations

import json
from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.errors import plain
from callcentre_disclosure.evidence import checkpoints
from callcentre_disclosure.evidence.keys import KeyRing
from callcentre_disclosure.evidence.reading import opened
from callcentre_disclosure.evidence.sqlite import SqliteStore
from callcentre_disclosure.evidence.verifying import Finding, Manipulation, Verdict, verify


@click.command()
@options.config
@click.option(
    "--checkpoint",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint that was kept somewhere else, next to those of the folder.",
)
@options.as_json
def command(config: Path, files: tuple[Path, ...], as_json: bool) -> None:
    """Find out whether anybody has changed the ledger.

    Exit 1 when somebody has; the first bad entry of each chain is named first.
    """
    entry = load(config).evidence
    known = [*files, *sorted(entry.checkpoint_folder.glob("*.json"))]
    with opened(entry) as ledger:
        ring = KeyRing.open(entry.keys)
        signed, findings = [], []
        for file in known:
            checkpoint = checkpoints.read(file)
            if checkpoint.is_signed(ring):
                signed.append(checkpoint)
            else:
                what = f"{file} is not what this installation signed"
                findings.append(Finding(Manipulation.FORGED, "checkpoint", 0, None, what))
        waits = entry.url and entry.file.exists()
        with closing(SqliteStore(entry.file)) if waits else nullcontext() as spool:
            verdict = verify(ledger, ring, signed, spool)
    verdict.findings[:0] = findings
    if as_json:
        click.echo(json.dumps({**asdict(verdict), "checkpoints": len(signed)}, indent=2))
    else:
        _print(verdict, len(signed))
    if verdict.findings:
        raise click.exceptions.Exit(1)


def _print(verdict: Verdict, signed: int) -> None:
    for finding in verdict.findings:
        click.echo(plain(str(finding)))
    for writer, length in verdict.chains.items():
        click.echo(plain(f"chain {writer}: {length} entries"))
    purged = f", {verdict.purged} of them purged" if verdict.purged else ""
    compared = f"compared with {signed} checkpoints" if signed else "there is no checkpoint"
    what = f"{len(verdict.findings)} findings" if verdict.findings else "unchanged"
    click.echo(f"{what}: {verdict.entries} entries{purged}; {compared}")
