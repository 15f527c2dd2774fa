"""Sounds are installed whole, and nothing that is somebody else's is touched."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from callcentre_disclosure.config.directory import manifest_sounds
from callcentre_disclosure.config.manifest import (
    MANIFEST,
    SoundFormat,
    read_manifest,
    sound_file,
    write_manifest,
)
from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.speech import install as installing
from callcentre_disclosure.speech.audio import LEVEL
from callcentre_disclosure.speech.build import build
from callcentre_disclosure.speech.install import USERS, InstallReport, install
from callcentre_disclosure.speech.store import Store, writing
from tests.unit.speech.tones import Tones, saying

HELLO = saying("hello", "fr/hello")
BYE = saying("bye", "fr/bye")
THANKS = saying("thank you", "en/thanks")
ALL = (HELLO, BYE, THANKS)
WAV = (SoundFormat.WAV,)


def make(
    folder: Path, *sentences: Announcement, formats: tuple[SoundFormat, ...] = WAV, name: str = "1"
) -> None:
    engine = Tones(name=f"tones {name}")
    engines = {"fr": engine, "en": engine}
    build(sentences, folder, engines, formats=formats, level=LEVEL, again=True)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    make(tmp_path / "built", *ALL)
    return tmp_path / "built"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Asterisk's folder, with a sound of its own."""
    folder = tmp_path / "asterisk"
    (folder / "fr").mkdir(parents=True)
    (folder / "fr/hello-world.gsm").write_bytes(b"Asterisk's")
    return folder


@pytest.fixture
def company(tmp_path: Path) -> Callable[[str], Path]:
    """The configuration of a company."""

    def named(name: str) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.touch()
        return path

    return named


@pytest.fixture
def put(built: Path, target: Path, company: Callable[[str], Path]) -> Callable[..., InstallReport]:
    def into_target(
        *wanted: Announcement, by: str = "alpha", sources: Iterable[Path] = (), web: bool = False
    ) -> InstallReport:
        folders = tuple(sources) or (built,)
        return install(wanted, folders, target, company(by), for_web=web)

    return into_target


Put = Callable[..., InstallReport]


def sounds_in(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.glob("*/*")}


def test_puts_sounds_where_asterisk_looks(put: Put, built: Path, target: Path) -> None:
    report = put(*ALL)
    assert set(report.installed) == {"fr/hello", "fr/bye", "en/thanks"}
    assert (report.kept, report.removed, report.findings) == ((), (), ())
    assert read_manifest(target) == read_manifest(built)
    for said in ALL:
        name = f"{said.sound_name}.wav"
        assert (target / name).read_bytes() == (built / name).read_bytes()


def test_all_formats_that_there_are(put: Put, built: Path, target: Path) -> None:
    make(built, HELLO, formats=(SoundFormat.WAV, SoundFormat.ULAW, SoundFormat.SLN16))
    put(HELLO)
    assert sounds_in(target) == {
        "fr/hello-world.gsm",
        "fr/hello.wav",
        "fr/hello.ulaw",
        "fr/hello.sln16",
    }
    make(built, HELLO, formats=(SoundFormat.ULAW,))
    put(HELLO)
    assert sounds_in(target) == {"fr/hello-world.gsm", "fr/hello.ulaw"}


def test_modes_do_not_depend_on_the_umask(put: Put, target: Path) -> None:
    mask = os.umask(0o077)
    try:
        put(*ALL)
    finally:
        os.umask(mask)
    assert (target / "en").stat().st_mode & 0o777 == 0o755
    for name in ("fr/hello.wav", "en/thanks.wav", MANIFEST, USERS):
        assert (target / name).stat().st_mode & 0o777 == 0o644


def test_once_more_changes_nothing(put: Put, target: Path) -> None:
    put(*ALL)
    before = {file: file.stat().st_ino for file in target.rglob("*.wav")}
    report = put(*ALL)
    assert (set(report.kept), report.installed) == ({"fr/hello", "fr/bye", "en/thanks"}, ())
    assert {file: file.stat().st_ino for file in target.rglob("*.wav")} == before


@pytest.mark.parametrize("damage", [b"", b"RIFF"])
def test_a_damaged_or_missing_file_is_put_there_again(
    put: Put, target: Path, damage: bytes
) -> None:
    put(*ALL)
    whole = (target / "fr/hello.wav").read_bytes()
    (target / "fr/hello.wav").write_bytes(damage)
    (target / "fr/bye.wav").unlink()
    assert set(put(*ALL).installed) == {"fr/hello", "fr/bye"}
    assert (target / "fr/hello.wav").read_bytes() == whole


def test_of_two_folders_the_later_wins(put: Put, built: Path, target: Path, tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    make(shipped, HELLO, BYE, name="2")
    make(built, HELLO)
    put(HELLO, BYE, sources=(shipped, built))
    assert read_manifest(target)["fr/hello"].engine == "tones 1"
    put(HELLO, BYE, sources=(built, shipped))
    assert read_manifest(target)["fr/hello"].engine == "tones 2"


def test_what_is_not_what_was_made_is_not_installed(put: Put, built: Path, target: Path) -> None:
    put(HELLO)
    good = (target / "fr/hello.wav").read_bytes()
    (built / "fr/hello.wav").write_bytes(good[:-2] + b"\1\1")
    (built / "fr/bye.wav").unlink()
    other = saying("something else", "en/thanks")
    missing = saying("never", "fr/never")
    report = put(HELLO, BYE, other, missing)
    assert [str(finding) for finding in report.findings] == [
        f"{built}/fr/hello.wav: is not there, or not the file that was made; {installing._BUILD}",
        f"{built}/fr/bye.wav: is not there, or not the file that was made; {installing._BUILD}",
        f"{built}/en/thanks.wav: says 'thank you', not 'something else'; {installing._BUILD}",
        f"{built}/fr/never: is not built; {installing._BUILD}",
    ]
    assert (target / "fr/hello.wav").read_bytes() == good
    assert set(read_manifest(target)) == {"fr/hello"}


class TestRemoval:
    def test_what_is_needed_no_more_is_removed(self, put: Put, target: Path) -> None:
        put(*ALL)
        report = put(HELLO)
        assert report.removed == ("en/thanks.wav", "fr/bye.wav")
        assert sounds_in(target) == {"fr/hello-world.gsm", "fr/hello.wav"}
        assert set(read_manifest(target)) == {"fr/hello"}

    def test_not_as_long_as_another_company_needs_it(self, put: Put, target: Path) -> None:
        put(*ALL, by="alpha")
        put(BYE, by="beta")
        assert put(HELLO, by="alpha").removed == ("en/thanks.wav",)
        assert set(read_manifest(target)) == {"fr/hello", "fr/bye"}
        assert put(by="beta").removed == ("fr/bye.wav",)

    def test_a_company_that_is_no_more_needs_nothing(
        self, put: Put, target: Path, company: Callable[[str], Path]
    ) -> None:
        put(*ALL, by="alpha")
        company("alpha").unlink()
        assert put(BYE, by="beta").removed == ("en/thanks.wav", "fr/hello.wav")

    def test_one_of_another_host_may_still_be_there(
        self, put: Put, monkeypatch: pytest.MonkeyPatch, company: Callable[[str], Path]
    ) -> None:
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr("platform.node", lambda: "elsewhere")
            put(*ALL, by="alpha")
        company("alpha").unlink()
        assert put(BYE, by="beta").removed == ()

    def test_one_that_cannot_be_looked_at_is_there(
        self, put: Put, monkeypatch: pytest.MonkeyPatch, company: Callable[[str], Path]
    ) -> None:
        put(*ALL, by="alpha")
        alpha, stat = company("alpha"), Path.stat

        def forbidden(path: Path, **options: bool) -> os.stat_result:
            if path == alpha:
                raise PermissionError
            return stat(path, **options)

        monkeypatch.setattr(Path, "stat", forbidden)
        assert put(BYE, by="beta").removed == ()

    def test_an_installation_that_was_interrupted_forgets_nothing(
        self, put: Put, target: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(*ALL)

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as dying:
            dying.setattr(Store, "disown", killed)
            with pytest.raises(KeyboardInterrupt):
                put(HELLO)
        with monkeypatch.context() as dying:
            dying.setattr(Path, "unlink", killed)
            with pytest.raises(KeyboardInterrupt):
                put(HELLO)
        assert set(read_manifest(target)) == {"fr/hello"}
        assert put(HELLO).removed == ("en/thanks.wav", "fr/bye.wav")

    def test_the_list_is_not_there_any_more(self, put: Put, target: Path) -> None:
        put(*ALL)
        (target / USERS).unlink()
        assert put(HELLO).removed == ()
        assert set(read_manifest(target)) == {"fr/hello", "fr/bye", "en/thanks"}

    @pytest.mark.parametrize(
        "text",
        [
            "{",
            '{"schema": 2, "configurations": {}}',
            '{"schema": 1, "configurations": {"a:/b": ["../../etc/passwd"]}}',
            '{"schema": 1, "configurations": {"a:/b": ["fr/hello-world.g729"]}}',
            '{"schema": 1, "configurations": []}',
        ],
    )
    def test_a_list_that_cannot_be_read_stops_it(self, put: Put, target: Path, text: str) -> None:
        (target / USERS).write_text(text)
        with pytest.raises(SoundError, match="cannot be read") as problem:
            put(*ALL)
        assert problem.value.where == str(target / USERS)
        assert sounds_in(target) == {"fr/hello-world.gsm"}


class TestForeign:
    @pytest.mark.parametrize("extension", ["wav", "gsm"])
    def test_what_somebody_else_put_there_is_not_touched(
        self, put: Put, target: Path, extension: str
    ) -> None:
        foreign = target / f"fr/hello.{extension}"
        foreign.write_bytes(b"theirs")
        report = put(*ALL)
        assert set(report.installed) == {"fr/bye", "en/thanks"}
        assert [str(finding) for finding in report.findings] == [
            f"{foreign}: was not put here by `prompts install`, and is not touched; "
            "move it away, and install again"
        ]
        assert foreign.read_bytes() == b"theirs"
        put(BYE)
        assert foreign.read_bytes() == b"theirs"

    def test_a_dangling_link_is_somebody_elses(self, put: Put, target: Path) -> None:
        (target / "fr/hello.wav").symlink_to(target / "none")
        assert len(put(HELLO).findings) == 1

    def test_the_very_same_file_is_taken_for_ours(
        self, put: Put, built: Path, target: Path
    ) -> None:
        """As an installation leaves it that was killed before it wrote the manifest."""
        (target / "fr/hello.wav").write_bytes((built / "fr/hello.wav").read_bytes())
        assert put(HELLO).findings == ()


class TestSeveralCompanies:
    def test_a_recording_of_one_is_not_replaced_by_the_synthesis_of_another(
        self, put: Put, built: Path, target: Path, tmp_path: Path
    ) -> None:
        studio = tmp_path / "studio"
        make(studio, HELLO, name="Amina")
        recorded = replace(read_manifest(studio)["fr/hello"], recorded=True)
        write_manifest(studio, {"fr/hello": recorded})
        put(HELLO, by="alpha", sources=(studio,))
        report = put(HELLO, by="beta", sources=(built,))
        assert report.kept == ("fr/hello",)
        assert read_manifest(target)["fr/hello"] == recorded
        assert put(by="alpha").removed == ()  # beta needs it now
        put(HELLO, by="beta", sources=(built,))
        assert read_manifest(target)["fr/hello"].engine == "tones 1"

    def test_another_installation_at_the_same_time_is_refused(self, put: Put, target: Path) -> None:
        with writing(target), pytest.raises(SoundError, match="at work in it"):
            put(*ALL)


class TestForTheWeb:
    def test_every_sound_is_where_a_call_asks_for_it(
        self, put: Put, built: Path, target: Path
    ) -> None:
        make(built, *ALL, formats=(SoundFormat.ULAW, SoundFormat.WAV))
        report = put(*ALL, web=True)
        assert report.findings == ()
        assert len(report.installed) == 3
        for said in ALL:
            sound = manifest_sounds(built, url="https://host/sounds/")[said.sound_name]
            served = target / sound.path.removeprefix("https://host/sounds/")
            assert served.suffix == ".ulaw"
            source = sound_file(built, said.sound_name, "ulaw")
            assert served.read_bytes() == source.read_bytes()
        assert len(put(*ALL, web=True).kept) == 3
        assert len(put(HELLO, web=True).removed) == 2

    def test_the_folder_is_made(self, built: Path, tmp_path: Path) -> None:
        install([HELLO], [built], tmp_path / "web/sounds", tmp_path / "a.yaml", for_web=True)
        assert (tmp_path / "web/sounds/fr").stat().st_mode & 0o777 == 0o755


class TestFolder:
    def test_of_asterisk_is_not_made(self, built: Path, tmp_path: Path) -> None:
        with pytest.raises(SoundError, match="there is no such folder"):
            install([HELLO], [built], tmp_path / "none", tmp_path / "a.yaml")

    def test_in_which_sounds_are_made(self, built: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(built)
        with pytest.raises(SoundError, match="sounds are made here"):
            install([HELLO], [built], tmp_path / "link", tmp_path / "a.yaml")

    def test_with_a_manifest_that_cannot_be_read(self, put: Put, target: Path) -> None:
        (target / MANIFEST).write_text("{")
        with pytest.raises(SoundError, match="unreadable manifest"):
            put(*ALL)

    def test_on_a_full_disk(self, put: Put, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        put(HELLO)
        monkeypatch.setattr(installing, "stage", full)
        with pytest.raises(SoundError, match="No space left on device"):
            put(*ALL)
        assert set(read_manifest(target)) == {"fr/hello"}


class TestOwner:
    """Root hands what it installs to the owner of the folder."""

    @pytest.fixture
    def chowned(self, monkeypatch: pytest.MonkeyPatch, target: Path) -> dict[str, tuple[int, int]]:
        """What was handed over, by name; the target belongs to user 1234 of group 5678."""
        seen: dict[str, tuple[int, int]] = {}
        stat = Path.stat

        def owned(path: Path, **options: bool) -> os.stat_result:
            result = list(stat(path, **options))
            if path == target:
                result[4:6] = 1234, 5678
            return os.stat_result(result)

        def chown(path: Path, user: int, group: int) -> None:
            assert path.exists()
            seen[path.name.partition(".making.")[0] or path.parent.name] = user, group

        monkeypatch.setattr(Path, "stat", owned)
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(os, "lchown", chown)
        return seen

    def test_gets_all_that_is_new(self, put: Put, chowned: dict[str, tuple[int, int]]) -> None:
        assert put(HELLO, THANKS).note == ""
        assert chowned == dict.fromkeys(["fr", "en", MANIFEST, USERS], (1234, 5678))

    def test_where_even_root_may_not(
        self, put: Put, chowned: object, monkeypatch: pytest.MonkeyPatch, target: Path
    ) -> None:
        def refused(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "lchown", refused)
        assert put(HELLO).note == "the sounds stay root's: Operation not permitted"
        assert set(read_manifest(target)) == {"fr/hello"}

    def test_of_somebody_else(
        self, put: Put, chowned: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 4321)
        assert "belong to user 4321" in put(HELLO).note


def test_the_list_names_the_configuration(put: Put, target: Path, tmp_path: Path) -> None:
    put(HELLO)
    document = json.loads((target / USERS).read_text())
    (user,) = document["configurations"]
    assert user.partition(":")[2] == str(tmp_path / "alpha.yaml")
    assert document["configurations"][user] == ["fr/hello.wav"]
