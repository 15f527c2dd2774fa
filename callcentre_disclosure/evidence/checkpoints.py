"""How far the chains had come on a day, signed, in a file to be kept somewhere else.

A ledger that is replaced by an older copy of itself is whole: only what somebody else has of it
tells that something is missing. The signature (Ed25519, RFC 8032) is that of the installation;
whoever holds the file needs no secret to know whose it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from callcentre_disclosure.config.replacing import replacing
from callcentre_disclosure.errors import EvidenceError

from .keys import Key, KeyRing


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last entry of each chain (writer, sequence, seal) at a moment in UTC."""

    at: str
    ends: tuple[tuple[str, int, str], ...]
    key: str
    signature: str = ""

    def is_signed(self, ring: KeyRing) -> bool:
        """Whether this is what was signed, with a key of this installation."""
        key = ring.get(self.key)
        if key is None:
            return False
        try:
            _private(key).public_key().verify(bytes.fromhex(self.signature), _signed(self))
        except (InvalidSignature, ValueError):
            return False
        return True


def sign(ends: Sequence[tuple[str, int, str]], ring: KeyRing, at: datetime) -> Checkpoint:
    """What to keep of chains that end so."""
    moment = at.astimezone(timezone.utc).isoformat(timespec="seconds")
    unsigned = Checkpoint(moment, tuple(ends), ring.current.id)
    signature = _private(ring.current).sign(_signed(unsigned)).hex()
    return Checkpoint(moment, unsigned.ends, unsigned.key, signature)


def write(checkpoint: Checkpoint, ring: KeyRing, folder: Path) -> Path:
    """Put a checkpoint into a folder, under its moment. Raises ``EvidenceError``."""
    file = folder / f"{checkpoint.at.replace('+00:00', 'Z').replace(':', '')}.json"
    key = ring.get(checkpoint.key)
    assert key is not None
    document = {
        **_body(checkpoint),
        "public_key": public_key(key),
        "signature": checkpoint.signature,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(file, prefix=f".{file.name}.", mode=0o644) as output:
            output.write(json.dumps(document, indent=1).encode() + b"\n")
    except OSError as problem:
        raise EvidenceError(
            f"the checkpoint is not written: {problem.strerror}",
            where=str(file),
            remedy="name a folder under `evidence.checkpoints` that can be written",
        ) from problem
    return file


def read(file: Path) -> Checkpoint:
    """A checkpoint that was written. Raises ``EvidenceError``."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        ends = tuple((str(w), int(sequence), str(seal)) for w, sequence, seal in found["ends"])
        return Checkpoint(str(found["at"]), ends, str(found["key"]), str(found["signature"]))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise EvidenceError(
            f"this is no checkpoint: {problem}", where=str(file), remedy="fetch it again"
        ) from problem


def public_key(key: Key) -> str:
    """What a signature can be verified with, 32 bytes in hexadecimal digits."""
    return _private(key).public_key().public_bytes_raw().hex()


def _private(key: Key) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.for_("checkpoint"))


def _body(checkpoint: Checkpoint) -> dict[str, Any]:
    return {"at": checkpoint.at, "ends": checkpoint.ends, "key": checkpoint.key}


def _signed(checkpoint: Checkpoint) -> bytes:
    return json.dumps(_body(checkpoint), sort_keys=True, separators=(",", ":")).encode()
