"""Can those who announce read the configuration, and keep what they make of it?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from callcentre_disclosure.config.model import Configuration

from .access import READ, Obstacle, User, may_write_in, obstacle
from .ailment import Ailment, Judgement


def look(configuration: Configuration, users: Iterable[User]) -> list[Obstacle]:
    """What keeps them from the files. Raises ``OSError`` where we may not look ourselves."""
    files = [Path(source.path) for source in configuration.sources if source.modified >= 0]
    found = (obstacle(file, user, READ) for user in users for file in files)
    return list(dict.fromkeys(one for one in found if one))


def look_at_cache(folders: Sequence[str], user: User) -> list[Obstacle]:
    """What keeps the script from each of its cache folders; empty where it can keep anything."""
    found: list[Obstacle] = []
    for folder in map(Path, folders):
        there = next(one for one in (folder, *folder.parents) if one.is_dir())
        closed = may_write_in(there, user)
        if closed is None:
            return []
        found.append(closed)
    return found


def judge(obstacles: Iterable[Obstacle], cache: Sequence[Obstacle]) -> Judgement:
    for one in obstacles:
        yield Ailment(
            "configuration-unreadable",
            str(one.path),
            f"calls are not announced by it: {one.why}",
            "let the users that run Asterisk and the servers read it",
        )
    if cache:
        yield Ailment(
            "cache-not-writable",
            str(cache[0].path),
            f"the script reads the whole configuration for each call: {cache[0].why}",
            "make /var/cache/callcentre-disclosure, where the user that runs Asterisk may write",
        )
