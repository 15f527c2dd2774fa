"""Who may read, write and enter what, by the modes on the way."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from callcentre_disclosure.doctor.access import (
    READ,
    RUN,
    WRITE,
    Obstacle,
    User,
    may_write_in,
    obstacle,
)

STRANGER = User("stranger", 54321, frozenset({54321}))
COLLEAGUE = User("colleague", 54321, frozenset({os.getegid()}))
ROOT = User("root", 0, frozenset({0}))


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that strangers may enter, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def file(folder: Path) -> Path:
    file = folder / "file"
    file.touch()
    return file


@pytest.mark.parametrize(
    ("mode", "user", "need", "free"),
    [
        (0o644, STRANGER, READ, True),
        (0o640, STRANGER, READ, False),
        (0o640, COLLEAGUE, READ, True),
        (0o604, COLLEAGUE, READ, False),  # the group's bits count, as little as they grant
        (0o664, STRANGER, WRITE, False),
        (0o755, STRANGER, READ | RUN, True),
        (0o744, STRANGER, READ | RUN, False),
        (0o000, ROOT, READ | WRITE, True),
        (0o644, ROOT, RUN, False),
        (0o100, ROOT, RUN, True),
    ],
)
def test_a_file(file: Path, mode: int, user: User, need: int, free: bool) -> None:
    file.chmod(mode)
    assert (obstacle(file, user, need) is None) is free


def test_the_first_folder_that_is_closed_is_named(folder: Path) -> None:
    file = folder / "closed" / "open" / "file"
    file.parent.mkdir(parents=True)
    file.touch()
    (folder / "closed").chmod(0o700)
    found = obstacle(file, STRANGER, READ)
    assert found == Obstacle(folder / "closed", "cannot be entered by the user stranger")
    link = folder / "link"
    link.symlink_to(file)
    assert obstacle(link, STRANGER, READ) == found, "a link leads there, too"


def test_what_is_missing_is_said_to_be(folder: Path) -> None:
    for path in (folder / "none", folder / "none" / "file"):
        found = obstacle(path, STRANGER, READ)
        assert found is not None
        assert found.missing
        assert found.path == folder / "none"


def test_a_folder_to_write_in(folder: Path) -> None:
    assert may_write_in(folder, STRANGER) is not None
    folder.chmod(0o777)
    assert may_write_in(folder, STRANGER) is None


def test_users_of_this_machine() -> None:
    me = User.of_process(os.getpid())
    assert me is not None
    assert (me.id, me.groups >= {os.getegid()}) == (os.geteuid(), True)
    assert User.named("no-such-user-here") is None
    root = User.named("root")
    assert root is not None
    assert root.id == 0
