from __future__ import annotations

from pathlib import Path

import pytest

from callcentre_disclosure.errors import EvidenceError
from callcentre_disclosure.evidence.keys import KeyRing, rotate


def test_a_key_is_made_once_for_its_owner_and_group(tmp_path: Path) -> None:
    file = tmp_path / "state" / "evidence.key"
    first = KeyRing.open(file, make=True)
    assert KeyRing.open(file).current == first.current
    assert file.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in file.parent.iterdir()] == ["evidence.key"]


def test_after_a_rotation_the_new_key_is_in_use_and_the_old_one_known(tmp_path: Path) -> None:
    file = tmp_path / "evidence.key"
    old = KeyRing.open(file, make=True).current
    new = rotate(file)
    ring = KeyRing.open(file)
    assert ring.current == new
    assert list(ring) == [old, new]
    assert len(set(ring.pseudonyms("0612345678", None))) == 2


def test_a_rotation_takes_a_file_that_somebody_has_edited(tmp_path: Path) -> None:
    file = tmp_path / "evidence.key"
    old = KeyRing.open(file, make=True).current
    file.write_text(old.secret.hex())  # without an end of line
    file.chmod(0o600)
    new = rotate(file)
    assert list(KeyRing.open(file)) == [old, new]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["evidence.key"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "there is no key in it"),
        ("# only a comment\n", "there is no key in it"),
        ("ab" * 31 + "\n", r"evidence\.key:1: this is no key"),
        ("# ours\n" + "xy" * 32, r"evidence\.key:2: this is no key"),
    ],
)
def test_a_damaged_key_file_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "evidence.key"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(EvidenceError, match=complaint):
        KeyRing.open(file)


def test_a_key_that_everybody_may_read_is_none(tmp_path: Path) -> None:
    file = tmp_path / "evidence.key"
    KeyRing.open(file, make=True)
    file.chmod(0o644)
    with pytest.raises(EvidenceError, match=r"everybody may read .*; chmod 640 "):
        KeyRing.open(file)


def test_a_key_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="cannot be read: Is a directory"):
        KeyRing.open(tmp_path)


def test_whoever_only_reads_makes_no_key(tmp_path: Path) -> None:
    """It would belong to the administrator, and nobody else could seal a record."""
    with pytest.raises(EvidenceError, match="cannot be read: No such file"):
        KeyRing.open(tmp_path / "evidence.key")
    assert list(tmp_path.iterdir()) == []
