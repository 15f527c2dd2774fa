"""What goes wrong: each fault from its beginning to its end, once, while calls go on."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.crowd import ANSWERED, POSSIBLE
from benchmarks.ears import spoken
from callcentre_disclosure.testing.recording import Recording

from .ground import WORKERS, Ground, Server
from .traffic import ANEW, Traffic

#: For how long something is away, in seconds.
AWAY = 1.0
#: The parent, its workers and what looks after the ledger read the configuration, each for itself.
_READERS = 1 + WORKERS + 1


@dataclass(frozen=True)
class Fault:
    """One kind of trouble. ``work`` causes it once and mends it.

    What may be found afterwards, besides calls that are as they should be: where writers ``die``,
    evidence that says less than was heard; where the disk is ``full``, records that only the log
    names; callers who were told ``otherwise``, as their ``on_failure`` says; where Asterisk
    ``crashes``, calls that ended with it. Everything else is a defect.
    """

    name: str
    injected: str
    work: Callable[[Ground, Traffic], None]
    die: bool = False
    full: bool = False
    otherwise: bool = False
    crashes: bool = False


def _server_killed(ground: Ground, traffic: Traffic) -> None:
    ground.kill()
    time.sleep(AWAY)
    ground.start()
    traffic.go_on()


def _server_restarted(ground: Ground, traffic: Traffic) -> None:
    ground.stop()
    ground.start()
    traffic.go_on()


def _busiest(server: Server) -> int:
    """The worker that holds most of the calls."""
    return max(server.workers(), key=lambda pid: len(list(Path(f"/proc/{pid}/fd").iterdir())))


def _worker_killed(ground: Ground, traffic: Traffic) -> None:
    server = ground.server
    since = len(server.said)
    os.kill(_busiest(server), signal.SIGKILL)
    server.says(" serves", since=since)
    traffic.go_on()


def _worker_frozen(ground: Ground, traffic: Traffic) -> None:
    server = ground.server
    since = len(server.said)
    os.kill(_busiest(server), signal.SIGSTOP)
    server.says("does not answer and is killed", since=since)
    server.says(" serves", since=since)
    traffic.go_on()


def _machine_frozen(ground: Ground, traffic: Traffic) -> None:
    family = ground.server.family()
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(2 * AWAY)
    for pid in family:
        os.kill(pid, signal.SIGCONT)
    traffic.go_on()
    assert ground.server.family() == family, "nobody was killed for it"


def _rolling(ground: Ground, traffic: Traffic) -> None:
    server = ground.server
    for pid in server.workers():
        since = len(server.said)
        os.kill(pid, signal.SIGTERM)
        server.says(" serves", since=since)
        _ends(pid)
    traffic.go_on()


def _ends(pid: int) -> None:
    """Wait until a process of others is no more."""
    with suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            time.sleep(0.01)


def _reread(server: Server, said: str) -> None:
    since = len(server.said)
    os.kill(server.process.pid, signal.SIGHUP)
    server.says(said, since=since, times=_READERS)


def _broken_configuration(ground: Ground, traffic: Traffic) -> None:
    good = ground.centre.path.read_text()
    ground.centre.path.write_text(good + "sites: {")
    _reread(ground.server, "the configuration is not replaced")
    traffic.go_on()
    ground.centre.path.write_text(good)
    _reread(ground.server, "was read again")


def _another_configuration(ground: Ground, traffic: Traffic) -> None:
    """Everybody moves to Tunis, and back."""
    before = ground.centre.path.read_text()
    ground.centre.path.write_text(before.replace("2???: {site: casa", "2???: {site: tunis} #"))
    _reread(ground.server, "was read again")
    traffic.moved = {ANSWERED["3"]: ANSWERED["2"]}
    seen = len(traffic.past)
    traffic.go_on(2 * ground.lines)  # the first of which may have begun before
    told = [past for past in traffic.past[seen + ground.lines :] if ANSWERED["3"] in past.whole]
    assert told, "nobody is told of the new country"
    ground.centre.path.write_text(before)
    _reread(ground.server, "was read again")


def _sounds_deleted(ground: Ground, traffic: Traffic) -> None:
    files = [ground.sound(name) for name in (POSSIBLE, ANSWERED["2"])]
    for file in files:
        file.rename(file.with_suffix(".away"))
    traffic.go_on()
    for file in files:
        file.with_suffix(".away").rename(file)


def _sounds_truncated(ground: Ground, traffic: Traffic) -> None:
    """While they are played, as by a copy that is made into the same file."""
    files = [ground.sound(name) for name in (POSSIBLE, ANSWERED["2"])]
    whole = [file.read_bytes() for file in files]
    for file in files:
        os.truncate(file, file.stat().st_size // 2)
    traffic.go_on()
    for file, content in zip(files, whole, strict=True):
        _replace(file, content)


def _sounds_replaced(ground: Ground, traffic: Traffic) -> None:
    """By other recordings of the same sentences, and back: each caller hears one of the two."""
    names = (POSSIBLE, ANSWERED["2"])
    files = {name: ground.sound(name) for name in names}
    whole = {name: file.read_bytes() for name, file in files.items()}
    for name, file in files.items():
        before = Recording.load(file).samples
        samples = spoken(name + ANEW, ground.house.ear.lengths[name])
        ground.house.ear.learn(name + ANEW, samples)
        Recording(samples + before[len(samples) :]).save(file.with_suffix(".anew.wav"))
        _replace(file, file.with_suffix(".anew.wav").read_bytes())
    traffic.go_on()
    for name, file in files.items():
        _replace(file, whole[name])


def _replace(file: Path, content: bytes) -> None:
    """In one step, as our own tools do it."""
    other = file.with_suffix(".other")
    other.write_bytes(content)
    other.replace(file)


def _files_limited(ground: Ground, traffic: Traffic) -> None:
    """What a machine allows without root: no file of the server may grow (RLIMIT_FSIZE)."""
    server = ground.server
    since = len(server.said)
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in server.workers()}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    server.says("no evidence of", since=since)
    traffic.go_on()
    for pid, limits in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def _disk_full(ground: Ground, traffic: Traffic) -> None:
    since = len(ground.server.said)
    ballast = ground.ledger / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    ground.server.says("no evidence of", since=since)
    traffic.go_on()
    ballast.unlink()


def _disk_read_only(ground: Ground, traffic: Traffic) -> None:
    """A file system cannot become read-only while somebody writes to it, unless its disk fails: it
    is laid over the other one, and the workers that know that one are killed."""
    server = ground.server
    since = len(server.said)
    _mount("--bind", ground.ledger, ground.ledger)
    _mount("-o", "remount,bind,ro", ground.ledger)
    for pid in server.workers():
        os.kill(pid, signal.SIGKILL)
    server.says("no evidence of", since=since)
    traffic.go_on()
    # The workers have let go of what they could not write.
    subprocess.run(["umount", "--lazy", ground.ledger], check=True)


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *arguments], check=True)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own, in memory; needs root."""
    folder.mkdir(parents=True)
    _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def may_mount() -> bool:
    """Whether file systems can be mounted here."""
    return (
        os.geteuid() == 0
        and not subprocess.run(
            ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
            capture_output=True,
            check=False,
        ).returncode
    )


def _asterisk_crashes(ground: Ground, traffic: Traffic) -> None:
    ground.asterisk.crash()
    traffic.shut()
    ground.asterisk.restart()
    traffic.reopen()
    traffic.go_on()


#: On any machine.
FAULTS = (
    Fault(
        "the server is killed",
        f"SIGKILL to all its processes; started again after {AWAY} s",
        _server_killed,
        die=True,
        otherwise=True,
    ),
    Fault(
        "the server is restarted",
        "SIGTERM, and a start when it has ended",
        _server_restarted,
        otherwise=True,
    ),
    Fault(
        "the workers are replaced one by one",
        "SIGTERM to a worker, to the next when another serves in its place",
        _rolling,
    ),
    Fault(
        "a worker is killed",
        "SIGKILL to the busier of two",
        _worker_killed,
        die=True,
        otherwise=True,
    ),
    Fault(
        "a worker is frozen",
        "SIGSTOP to the busier of two",
        _worker_frozen,
        die=True,
        otherwise=True,
    ),
    Fault(
        "the server's machine is frozen",
        f"SIGSTOP to all its processes, SIGCONT after {2 * AWAY} s",
        _machine_frozen,
    ),
    Fault(
        "the configuration is broken",
        "a file that is no YAML, SIGHUP; then the good one",
        _broken_configuration,
    ),
    Fault(
        "the configuration is another",
        "all agents move to another country, SIGHUP; and back",
        _another_configuration,
    ),
    Fault(
        "sounds are deleted",
        "both sentences, while they are played; put back",
        _sounds_deleted,
        otherwise=True,
    ),
    Fault(
        "sounds are cut",
        "both files truncated to half while they are played; put back",
        _sounds_truncated,
        otherwise=True,
    ),
    Fault(
        "sounds are recorded anew",
        "both files replaced in one step while they are played",
        _sounds_replaced,
    ),
    Fault(
        "Asterisk crashes",
        "SIGKILL, and a new start",
        _asterisk_crashes,
        crashes=True,
    ),
)
#: What stands for a disk on a machine where none can be mounted.
FILES_LIMITED = Fault(
    "files may not grow",
    "RLIMIT_FSIZE of 0 for the workers; lifted",
    _files_limited,
    full=True,
)
#: On a ledger on a small disk of its own, for which somebody must be root.
ON_A_DISK = (
    Fault(
        "the ledger's disk is full",
        "a tmpfs, filled to the last byte; freed",
        _disk_full,
        full=True,
    ),
    Fault(
        "the ledger is read-only",
        "mounted read-only, workers killed; mounted as before",
        _disk_read_only,
        die=True,
        full=True,
        otherwise=True,
    ),
)
