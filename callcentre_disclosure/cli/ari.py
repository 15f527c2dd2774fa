"""``ari``: the ARI event handler."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from callcentre_disclosure.asterisk.workers import Process, Workers
from callcentre_disclosure.config.model import AriEntry
from callcentre_disclosure.config.secrecy import is_open_to_all
from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.errors import DisclosureError
from callcentre_disclosure.service import Disclosure

from . import address, measuring, options
from .log import to_stderr

if TYPE_CHECKING:
    from callcentre_disclosure.asterisk.stasis.server import Login


@click.command()
@options.config
@measuring.option
def command(config: Path, metrics: tuple[str, int] | None) -> None:
    """Run the ARI event handler until SIGTERM. SIGHUP reads the configuration again, all but what
    it says under `ari`."""
    to_stderr()
    disclosure = Disclosure.from_file(config)
    assert disclosure.configuration is not None
    entry = disclosure.configuration.ari
    if entry is None:
        raise DisclosureError(
            "there are no Asterisks to work for",
            where=str(config),
            remedy=f"name them under `ari:`, as {shipped('docs') / 'integrators.md'} shows",
        )
    try:
        from callcentre_disclosure.asterisk.stasis import server
    except ImportError as missing:
        raise DisclosureError(
            f"the ARI event handler needs {missing.name}",
            remedy="pip install 'callcentre-disclosure[ari]'",
        ) from missing
    logins, trust, certificate = tuple(_logins(entry)), _trust(entry), _certificate(entry)
    observer, beside = measuring.measured(metrics, 1, disclosure)
    disclosure.try_evidence()
    listening = None
    if entry.listen:
        listening = address.listen(address.parse(entry.listen), "name another one as ari.listen")
    serve = partial(
        server.serve,
        application=entry.application,
        logins=logins,
        tls=trust,
        listening=listening,
        certificate=certificate,
        begin=disclosure.begin,
        keep=disclosure.keep,
        reload=disclosure.reload,
        observer=observer,
    )
    beside.append(Process(disclosure.attend))
    Workers(Process(serve, (listening,) if listening else ()), 1, disclosure.reload, beside).run()


def _logins(entry: AriEntry) -> Iterator[Login]:
    from callcentre_disclosure.asterisk.stasis.server import Login

    for name, asterisk in entry.asterisks.items():
        password = _secret(asterisk.password_file, f"the password of {name}").decode().strip()
        yield Login(name, asterisk.user or name, password, asterisk.url)


def _secret(file: Path, what: str) -> bytes:
    """What is in a file that strangers to this machine's service cannot read."""
    try:
        with file.open("rb") as opened:
            mode, secret = os.fstat(opened.fileno()).st_mode, opened.read()
    except OSError as problem:
        raise DisclosureError(
            f"{what} cannot be read: {problem.strerror}",
            where=str(file),
            remedy="write it there, for the user that runs this and nobody else (chmod 600)",
        ) from problem
    if is_open_to_all(mode):
        raise DisclosureError(
            f"everybody on this machine may read {what}",
            where=str(file),
            remedy=f"chmod 600 {file}, and take another one if others were here",
        )
    return secret


def _certificate(entry: AriEntry) -> ssl.SSLContext | None:
    """How Asterisks that connect to us are sure of who we are."""
    if entry.certificate is None:
        return None
    _secret(entry.certificate, "the private key of ari.certificate")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(entry.certificate)
    except OSError as problem:
        raise _unusable(entry.certificate, problem) from problem
    return context


def _trust(entry: AriEntry) -> ssl.SSLContext | None:
    """How we are sure of the Asterisks that we connect to; None for the machine's certificates."""
    if entry.authority is None:
        return None
    try:
        return ssl.create_default_context(cafile=entry.authority)
    except OSError as problem:
        raise _unusable(entry.authority, problem) from problem


def _unusable(file: Path, problem: OSError) -> DisclosureError:
    return DisclosureError(
        f"this certificate cannot be used: {problem.strerror or problem}",
        where=str(file),
        remedy="write it in PEM, the chain and (of our own) the private key in one file",
    )
