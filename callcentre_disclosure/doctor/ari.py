"""Does each Asterisk let the ARI event handler in?"""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote

from callcentre_disclosure.config.model import AriEntry, AsteriskEntry, Configuration
from callcentre_disclosure.config.secrecy import is_open_to_all

from .access import READ, Obstacle, User, is_there, obstacle
from .ailment import Ailment, Judgement, Unseen

_SECONDS = 5.0
#: Clocks may differ by so many seconds: unique ids and times of ours are compared.
APART = 3.0


@dataclass(frozen=True, slots=True)
class Reply:
    """The status of a request (None: there was no answer, ``trouble`` says why), and by how many
    seconds the clock of who answers is ahead."""

    status: int | None
    trouble: str = ""
    ahead: float = 0.0


@dataclass(frozen=True, slots=True)
class Asterisk:
    """One that the handler connects to. ``no_channel`` is what it says to a request to answer a
    channel that there is not."""

    name: str
    url: str
    user: str
    password_file: Path
    password: Obstacle | None
    open_to_others: bool
    let_in: Reply | None
    application: Reply | None = None
    no_channel: Reply | None = None


def look_at_certificates(ari: AriEntry, user: User | None) -> dict[Path, str]:
    """The files of certificates that cannot be used, and why. Raises ``PermissionError`` where we
    may not look ourselves."""
    found = {}
    for file, load in ((ari.authority, _trusted), (ari.certificate, _ours)):
        if file is None:
            continue
        if user and (closed := obstacle(file, user, READ)):
            found[file] = closed.why if closed.path == file else f"{closed.path} {closed.why}"
            continue
        try:
            load(file)
        except PermissionError:
            raise
        except OSError as problem:  # what TLS says is one, too
            found[file] = problem.strerror or str(problem)
    return found


def _trusted(file: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=file)


def _ours(file: Path) -> None:
    # Without a passphrase: the handler asks nobody either.
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(file, password="")


def judge_certificates(unusable: Mapping[Path, str]) -> Judgement:
    for file, why in unusable.items():
        yield Ailment(
            "certificate-unusable",
            str(file),
            f"the ARI event handler does not start: {why}",
            "write it in PEM (of ari.certificate the chain and the private key, without a "
            "passphrase), for the user that runs the handler",
        )


def look(name: str, entry: AsteriskEntry, ari: AriEntry, user: User | None) -> Asterisk | None:
    """None for one that connects to us. ``user`` runs the handler. Raises ``OSError`` where we may
    not look ourselves."""
    if entry.url is None:
        return None
    file, login = entry.password_file, entry.user or name
    closed = obstacle(file, user, READ) if user else None
    if closed or not is_there(file):
        closed = closed or Obstacle(file)
        return Asterisk(name, entry.url, login, file, closed, False, None)
    others = is_open_to_all(file.stat().st_mode)
    secret = file.read_text(encoding="utf-8", errors="replace").strip()
    trust = _trusted(ari.authority)

    def ask(path: str, method: str = "GET") -> Reply:
        token = b64encode(f"{login}:{secret}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310
            f"{entry.url}/ari/{path}", headers={"Authorization": f"Basic {token}"}, method=method
        )
        return _reply(request, trust)

    let_in = ask("asterisk/info")
    if let_in.status != 200:
        return Asterisk(name, entry.url, login, file, None, others, let_in)
    application = ask(f"applications/{quote(ari.application)}")
    no_channel = ask("channels/of-nobody/answer", "POST")
    return Asterisk(name, entry.url, login, file, None, others, let_in, application, no_channel)


def _reply(request: urllib.request.Request, trust: ssl.SSLContext) -> Reply:
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
    )
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            json.load(answer)
            return Reply(answer.status, "", _ahead(answer.headers.get("Date")))
    except urllib.error.HTTPError as refused:
        return Reply(refused.code)
    except urllib.error.URLError as problem:
        return Reply(None, str(problem.reason))
    except HTTPException:
        return Reply(None, "it speaks no HTTP there")
    except (OSError, ValueError) as problem:
        return Reply(None, str(problem))


def _ahead(date: str | None) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() + 0.5 - time.time() if date else 0.0
    except ValueError:
        return 0.0


def judge(asterisk: Asterisk, configuration: Configuration) -> Judgement:
    assert configuration.ari is not None
    application = configuration.ari.application
    if asterisk.password:
        yield Ailment(
            "ari-password-unreadable",
            str(asterisk.password.path),
            f"the password of {asterisk.name} cannot be had: {asterisk.password.why}",
            "write it there, for the user that runs the handler and nobody else (chmod 600)",
        )
        return
    if asterisk.open_to_others:
        yield Ailment(
            "secret-open",
            str(asterisk.password_file),
            f"everybody on this machine may read the password of {asterisk.name}",
            f"chmod 600 {asterisk.password_file}",
        )
    assert asterisk.let_in is not None
    match asterisk.let_in.status:
        case 200:
            pass
        case None:
            yield Ailment(
                "ari-away",
                asterisk.url,
                f"{asterisk.name} does not answer: {asterisk.let_in.trouble}",
                "set enabled = yes, bindaddr and bindport in http.conf; does Asterisk run?",
            )
        case 401 | 403:
            yield Ailment(
                "ari-password",
                asterisk.url,
                f"{asterisk.name} does not let the user {asterisk.user} in",
                "compare user and password with ari.conf, see its permit and deny, and reload it "
                "(asterisk -rx 'module reload res_ari.so')",
            )
        case 404:
            yield Ailment(
                "ari-off",
                asterisk.url,
                f"{asterisk.name} has no ARI there",
                "load res_ari and its parts, set enabled = yes in ari.conf, and compare the prefix "
                "of http.conf",
            )
        case status:
            what = f"{asterisk.name} answers {status}: it is starting, or no Asterisk"
            yield Ailment("ari-away", asterisk.url, what, "look again when it is up")
    if abs(asterisk.let_in.ahead) > APART:
        yield Ailment(
            "clocks-apart",
            asterisk.url,
            f"the clock of {asterisk.name} differs by {asterisk.let_in.ahead:+.0f} s from ours",
            "have both machines set their clocks by NTP",
        )
    if asterisk.no_channel and asterisk.no_channel.status == 403:
        yield Ailment(
            "ari-read-only",
            asterisk.url,
            f"the user {asterisk.user} of {asterisk.name} may look, and do nothing",
            "set read_only = no in ari.conf (asterisk -rx 'module reload res_ari.so')",
        )
    if asterisk.application is None:
        return
    if asterisk.application.status == 404:
        yield Ailment(
            "ari-application-missing",
            asterisk.url,
            f"nobody has registered the application {application}: Stasis() fails at once",
            "start `callcentre-disclosure ari`, and see its log",
        )
    elif asterisk.application.status != 200:
        yield Unseen(f"whether {application} is registered with {asterisk.name}")
