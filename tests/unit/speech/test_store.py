"""A folder of sounds is always whole, and only one writes it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from callcentre_disclosure.config.manifest import (
    MANIFEST,
    ManifestEntry,
    SoundFormat,
    read_manifest,
)
from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.speech import store as storing
from callcentre_disclosure.speech.store import Staged, Store, stage, writing

WAV, ULAW = SoundFormat.WAV, SoundFormat.ULAW


def staged(folder: Path, content: bytes = b"new", name: str = "fr/hello") -> Staged:
    return stage(folder, name, {WAV: content})


def entry(sound: Staged, text: str = "hello") -> ManifestEntry:
    return ManifestEntry(text, sound.files, 1.0, -22.0, "tones 1.0")


def files(folder: Path) -> dict[str, bytes]:
    """Every file but the lock and the manifest, with its bytes."""
    found = (file for file in folder.rglob("*") if file.is_file())
    own = {MANIFEST, ".lock"}
    return {str(f.relative_to(folder)): f.read_bytes() for f in found if f.name not in own}


def published(
    folder: Path,
    content: bytes = b"old",
    *formats: SoundFormat,
    names: Iterable[str] = ("fr/hello",),
) -> None:
    with writing(folder) as store:
        for name in names:
            sound = stage(folder, name, dict.fromkeys(formats or (WAV,), content))
            store.publish(sound, entry(sound))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is put in its place as soon as it is published."""
    monkeypatch.setattr(storing, "_SAVE_EVERY", -1.0)


def test_what_is_published_is_there_in_the_end(tmp_path: Path) -> None:
    published(tmp_path, b"new")
    assert files(tmp_path) == {"fr/hello.wav": b"new"}
    assert read_manifest(tmp_path)["fr/hello"].files == {"wav": storing.digest(b"new")}


def test_until_then_calls_find_the_old_sound(tmp_path: Path) -> None:
    published(tmp_path, b"old")
    with writing(tmp_path) as store:
        sound = staged(tmp_path, b"new")
        store.publish(sound, entry(sound))
        assert (tmp_path / "fr/hello.wav").read_bytes() == b"old"
        assert read_manifest(tmp_path)["fr/hello"].files == {"wav": storing.digest(b"old")}
        store.save()
        assert (tmp_path / "fr/hello.wav").read_bytes() == b"new"
        assert read_manifest(tmp_path)["fr/hello"].files == {"wav": storing.digest(b"new")}


def test_every_two_seconds_it_is_put_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(f"{storing.__name__}.monotonic", lambda: clock[0])
    seen = []
    with writing(tmp_path) as store:
        for moment in (100.5, 102.1, 103.0, 104.5):
            clock[0] = moment
            sound = staged(tmp_path, name=f"fr/at-{moment:.0f}")
            store.publish(sound, entry(sound))
            seen.append(len(read_manifest(tmp_path)))
    assert seen == [0, 2, 2, 4]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SoundError("no voice")])
def test_whatever_ends_it_what_was_published_stays(
    tmp_path: Path, stop: type[BaseException] | BaseException
) -> None:
    def stopped() -> None:
        with writing(tmp_path) as store:
            sound = staged(tmp_path)
            store.publish(sound, entry(sound))
            staged(tmp_path, name="fr/never-published")
            raise stop

    with pytest.raises((KeyboardInterrupt, SoundError)):
        stopped()
    assert files(tmp_path) == {"fr/hello.wav": b"new"}
    assert set(read_manifest(tmp_path)) == {"fr/hello"}


def test_ctrl_c_in_the_middle_of_moving_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, moved = Path.replace, []

    def interrupted(self: Path, target: Path) -> Path:
        done = replace(self, target)
        moved.append(target)
        if len(moved) == 2:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        published(tmp_path, names=["fr/a", "fr/b", "fr/c"])
    assert set(files(tmp_path)) == {"fr/a.wav", "fr/b.wav", "fr/c.wav"}
    assert set(read_manifest(tmp_path)) == {"fr/a", "fr/b", "fr/c"}


def test_a_format_that_is_no_longer_named_goes(tmp_path: Path) -> None:
    """Asterisk would play it: it takes the best format that it finds."""
    published(tmp_path, b"old", WAV, ULAW)
    published(tmp_path, b"new", WAV)
    assert files(tmp_path) == {"fr/hello.wav": b"new"}


@pytest.mark.usefixtures("at_once")
def test_what_is_removed_goes(tmp_path: Path) -> None:
    published(tmp_path, b"old", WAV, ULAW)
    with writing(tmp_path) as store:
        store.remove("fr/hello")
        assert read_manifest(tmp_path) == {}
    assert files(tmp_path) == {}


def test_what_it_does_not_name_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr/vm-intro.gsm").write_bytes(b"Asterisk's own")
    with writing(tmp_path) as store:
        store.remove("fr/vm-intro")
    assert files(tmp_path) == {"fr/vm-intro.gsm": b"Asterisk's own"}


def test_what_is_disowned_is_not_played_and_not_lost(tmp_path: Path) -> None:
    published(tmp_path)
    with writing(tmp_path) as store:
        store.disown(["fr/hello", "fr/unknown"])
        assert read_manifest(tmp_path) == {}
    assert files(tmp_path) == {"fr/hello.wav": b"old"}


def test_nothing_done_changes_nothing(tmp_path: Path) -> None:
    published(tmp_path)
    before = (tmp_path / MANIFEST).stat()
    with writing(tmp_path):
        pass
    assert (tmp_path / MANIFEST).stat() == before


def test_what_was_killed_left_is_cleared_away(tmp_path: Path) -> None:
    staged(tmp_path)
    (tmp_path / f".{MANIFEST}.abc").write_bytes(b"{")
    with writing(tmp_path):
        assert files(tmp_path) == {}


def test_a_manifest_that_cannot_be_read_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(SoundError, match="unreadable manifest"), writing(tmp_path):
        pass
    assert (tmp_path / MANIFEST).read_text() == "{"


def test_only_one_holds_a_folder(tmp_path: Path) -> None:
    with (
        writing(tmp_path),
        pytest.raises(SoundError, match="another build or import"),
        writing(tmp_path),
    ):
        pass
    with writing(tmp_path) as store:
        assert isinstance(store, Store)


def test_others_can_read_it_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "sounds"
    mask = os.umask(0o077)
    try:
        published(folder)
    finally:
        os.umask(mask)
    made = [folder.parent, *folder.parent.rglob("*")]
    modes = {str(f.relative_to(tmp_path)): f.stat().st_mode & 0o777 for f in made}
    del modes["state/sounds/.lock"]
    assert modes == {
        "state": 0o755,
        "state/sounds": 0o755,
        "state/sounds/fr": 0o755,
        "state/sounds/fr/hello.wav": 0o644,
        f"state/sounds/{MANIFEST}": 0o644,
    }


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SoundError, match="cannot write there"), writing(tmp_path / "file/sounds"):
        pass


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        stage(tmp_path, "fr/hello", {WAV: b"new", ULAW: b"new"})
    assert files(tmp_path) == {}


def test_a_manifest_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    def written() -> None:
        with writing(tmp_path) as store:
            sound = staged(tmp_path)
            store.publish(sound, entry(sound))
            monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(SoundError, match=r"cannot write there: No space left"):
        written()
    assert not list(tmp_path.glob(".callcentre*"))
