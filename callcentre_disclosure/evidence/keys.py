"""The secrets that seal records and stand between a number and its pseudonym.

A key file holds one secret a line, in 64 hexadecimal digits; the last is the one in use, those
before it are needed for what was sealed with them. A rotation adds a line. Several machines with
one ledger share one file.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from callcentre_disclosure.config.secrecy import is_open_to_all
from callcentre_disclosure.disclosure.numbers import Numbering, written_forms
from callcentre_disclosure.errors import EvidenceError

_HEADING = (
    "# The secrets of the evidence of callcentre-disclosure, the last is in use. Keep a copy in a\n"
    "# place of its own: without them nothing can be verified.\n"
)


class Key(NamedTuple):
    """One secret; ``id`` tells which without giving it away."""

    id: str
    secret: bytes

    @classmethod
    def of(cls, secret: bytes) -> Key:
        return cls(sha256(b"id" + secret).hexdigest()[:8], secret)

    def for_(self, purpose: str) -> bytes:
        """32 bytes that serve one purpose, and do not tell those of another."""
        return _derived(self.secret, purpose)


class KeyRing:
    """All keys of an installation, in the order in which they came into use."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = {key.id: key for key in keys}
        self.current = keys[-1]

    @classmethod
    def open(cls, file: str | os.PathLike[str], *, make: bool = False) -> KeyRing:
        """Read a key file; whoever writes records has it made where there is none. Raises
        ``EvidenceError``."""
        try:
            try:
                return cls(_read(file))
            except FileNotFoundError:
                if not make:
                    raise
                _make(file)
                return cls(_read(file))
        except OSError as problem:
            raise EvidenceError(
                f"the key of the evidence cannot be read: {problem.strerror}",
                where=os.fspath(file),
                remedy="let the user that runs Asterisk or the server read it, and nobody else",
            ) from problem

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def get(self, id: str) -> Key | None:  # noqa: A002
        """The key of this id."""
        return self._keys.get(id)

    def pseudonyms(self, number: str, numbering: Numbering | None) -> list[str]:
        """What a number goes by, by each key, that in use first."""
        normal = written_forms(number, numbering)[0].encode(errors="replace")
        return [
            f"{key.id}:{hmac.digest(key.for_('pseudonym'), normal, 'sha256').hex()[:32]}"
            for key in reversed(self._keys.values())
        ]


def rotate(file: str | os.PathLike[str]) -> Key:
    """Take a new key into use, in one step. Raises ``EvidenceError``."""
    KeyRing.open(file)
    secret = os.urandom(32)
    try:
        with open(file, encoding="ascii") as opened:  # noqa: PTH123
            before, owner = opened.read(), os.fstat(opened.fileno())
        made = _written(file, f"{before.rstrip()}\n{secret.hex()}\n")
        os.chmod(made, owner.st_mode & 0o777)  # noqa: PTH101
        if os.geteuid() == 0:
            os.chown(made, owner.st_uid, owner.st_gid)
        os.replace(made, file)  # noqa: PTH105
    except (OSError, UnicodeError) as problem:
        raise EvidenceError(
            f"no key can be added: {problem}",
            where=os.fspath(file),
            remedy="run this as the owner of the file",
        ) from problem
    return Key.of(secret)


@lru_cache(maxsize=64)
def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, purpose.encode(), "sha256")


def _read(file: str | os.PathLike[str]) -> list[Key]:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        if is_open_to_all(os.fstat(descriptor).st_mode):
            raise EvidenceError(
                "everybody may read the key of the evidence",
                where=os.fspath(file),
                remedy=f"chmod 640 {os.fspath(file)}",
            )
        lines = os.read(descriptor, 1 << 20).decode("ascii", "replace").splitlines()
    finally:
        os.close(descriptor)
    keys = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            try:
                secret = bytes.fromhex(line)
            except ValueError:
                secret = b""
            if len(secret) != 32:
                raise EvidenceError(
                    "this is no key",
                    where=f"{os.fspath(file)}:{number}",
                    remedy="a key is written in 64 hexadecimal digits; restore the file",
                )
            keys.append(Key.of(secret))
    if not keys:
        raise EvidenceError(
            "there is no key in it", where=os.fspath(file), remedy="restore the file"
        )
    return keys


def _make(file: str | os.PathLike[str]) -> None:
    """Of several processes that make it at once, the first wins."""
    os.makedirs(os.path.dirname(os.path.abspath(file)), exist_ok=True)  # noqa: PTH100, PTH103, PTH120
    made = _written(file, f"{_HEADING}{os.urandom(32).hex()}\n")
    try:
        os.link(made, file)
    except FileExistsError:
        pass
    finally:
        os.unlink(made)  # noqa: PTH108


def _written(file: str | os.PathLike[str], text: str) -> str:
    """A new file beside another, durably written; returns its name."""
    folder = os.path.dirname(os.path.abspath(file))  # noqa: PTH100, PTH120
    made = os.path.join(folder, f".key-{os.urandom(8).hex()}")  # noqa: PTH118
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    return made
