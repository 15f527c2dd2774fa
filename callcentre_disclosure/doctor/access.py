"""Whether a user may read, write or enter something, by the modes of all folders on the way."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

READ, WRITE, RUN = 4, 2, 1
_ACL = "system.posix_acl_access"
_VERBS = {READ: "read", WRITE: "write", RUN: "run"}


@dataclass(frozen=True, slots=True)
class User:
    """Whose rights count."""

    name: str
    id: int
    groups: frozenset[int]

    @classmethod
    def named(cls, name: str) -> User | None:
        """A user of this machine."""
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            return None
        return cls(name, entry.pw_uid, frozenset(os.getgrouplist(name, entry.pw_gid)))

    @classmethod
    def of_process(cls, pid: int) -> User | None:
        """Whom a process that runs belongs to, with the groups that it really has."""
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            return None
        fields = {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}
        uid = int(fields["Uid"][1])  # the effective one
        groups = frozenset(map(int, (fields["Gid"][1], *fields["Groups"])))
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:
            name = str(uid)
        return cls(name, uid, groups)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps a user from a file: this path, and why."""

    path: Path
    why: str = "is not there"

    @property
    def missing(self) -> bool:
        """Whether it is not there at all."""
        return self == Obstacle(self.path)


def obstacle(path: Path, user: User, need: int) -> Obstacle | None:
    """The first thing that is in the way, from the root on; ``need`` is of READ, WRITE, RUN.

    Raises ``PermissionError`` where we may not look ourselves.
    """
    ways = dict.fromkeys((path.absolute(), path.resolve()))
    for folder in dict.fromkeys(folder for way in ways for folder in reversed(way.parents)):
        if not is_there(folder):
            return Obstacle(folder)
        if not _may(folder, user, RUN):
            return Obstacle(folder, f"cannot be entered by the user {user.name}")
    if not is_there(path):
        return Obstacle(path)
    for one, verb in _VERBS.items():
        if need & one and not _may(path, user, one):
            return Obstacle(path, f"the user {user.name} may not {verb} it")
    return None


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder. Raises ``PermissionError`` where we may not look."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def may_write_in(folder: Path, user: User) -> Obstacle | None:
    """What keeps a user from making files in a folder. Raises ``PermissionError``."""
    found = obstacle(folder, user, WRITE | RUN)
    if found or not os.statvfs(folder).f_flag & os.ST_RDONLY:
        return found
    return Obstacle(folder, "is on a file system that is read only")


def _may(path: Path, user: User, need: int) -> bool:
    status = path.stat()
    mode = status.st_mode
    if user.id == 0:
        return need != RUN or stat.S_ISDIR(mode) or bool(mode & 0o111)
    if user.id == status.st_uid:
        granted = mode >> 6
    elif status.st_gid in user.groups:
        granted = mode >> 3
    else:
        granted = mode
    return bool(granted & need) or _has_acl(path)


def _has_acl(path: Path) -> bool:
    """A list of more rights (``getfacl``) may allow what the mode does not."""
    try:
        return bool(os.getxattr(path, _ACL))
    except OSError:
        return False
