"""Debian's packages to run programs from, without being root and without touching the machine.

``unpacked`` has apt fetch packages with all that they need, from the mirror that this machine's apt
uses already, into a folder of their own. Signatures are checked as for any package. What is in
there is run by *its own* dynamic loader (``loader``): no ``LD_LIBRARY_PATH`` is set, so whatever
such a program starts runs with the machine's libraries.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from callcentre_disclosure.errors import DisclosureError

MIRROR_VARIABLE = "CALLCENTRE_DISCLOSURE_DEBIAN_MIRROR"
"""Environment variable: a Debian mirror to use instead of the one in the machine's apt sources."""

CACHE_VARIABLE = "CALLCENTRE_DISCLOSURE_CACHE"
"""Environment variable: the folder in which fetched packages are kept."""

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_PATIENCE = 900.0
_HELP = f"set {MIRROR_VARIABLE} to a Debian mirror that this machine can reach, or install it"


class PackagesUnavailable(DisclosureError):
    """These packages cannot be had on this machine: what failed, and what to do."""


def default_cache() -> Path:
    """``$CALLCENTRE_DISCLOSURE_CACHE``, or ``callcentre-disclosure`` in the user's cache."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen)
    users = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(users) / "callcentre-disclosure"


def unpacked(
    home: Path, suite: str, packages: Sequence[str], finish: Callable[[Path], object]
) -> Path:
    """Returns ``home``, the root folder of these packages of a Debian release (``bullseye``).

    Where it is not there yet it is made, in about ten seconds, which needs ``apt-get``,
    ``dpkg-deb`` and the machine's mirror; neither root nor an entry in the machine's configuration.
    ``finish`` is given the new root before it counts as whole, to change or refuse it. Several
    processes may ask at once: one fetches, the others wait. What was interrupted leaves nothing
    that looks whole. What is there already need not be writable, so users can share it.

    Raises ``PackagesUnavailable``, and what ``finish`` raises.
    """
    try:
        if not home.is_dir():
            home.parent.mkdir(parents=True, exist_ok=True)
            with _alone(home.with_name(f"{home.name}.lock")):
                if not home.is_dir():
                    _fetch(home, suite, packages, finish)
    except OSError as error:
        raise PackagesUnavailable(
            f"{packages[0]} cannot be kept ({error})",
            where=str(home.parent),
            remedy=f"set {CACHE_VARIABLE} to a folder that can be written, with 500 MB free",
        ) from error
    return home


def loader(root: Path) -> tuple[str, ...]:
    """What starts a program of this root, before the program itself."""
    found = next(root.glob("**/lib/*-linux-gnu*/ld*.so*"), None)
    if found is None:
        raise PackagesUnavailable(
            "is not whole", where=str(root), remedy="remove this folder and try again"
        )
    machine = found.parent.name
    libraries = (f"usr/lib/{machine}", f"lib/{machine}", "usr/lib", f"usr/lib/{machine}/pulseaudio")
    return str(found), "--library-path", ":".join(str(root / folder) for folder in libraries)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Holds a lock among processes; the system lets go of it when the process dies."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(
    home: Path, suite: str, packages: Sequence[str], finish: Callable[[Path], object]
) -> None:
    """Makes ``home``, whole or not at all."""
    for missing in (tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None):
        raise PackagesUnavailable(f"there is no {missing} here", remedy=f"install {packages[0]}")
    prefix = f".{home.name}."
    for leftover in home.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=prefix, dir=home.parent))
    try:
        files = _download(suite, packages, work)
        root = work / "root"
        root.mkdir()
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            list(pool.map(lambda deb: run("dpkg-deb", "-x", str(deb), str(root)), files))
        for unneeded in ("doc", "man", "locale", "perl", "zoneinfo"):
            shutil.rmtree(root / "usr/share" / unneeded, ignore_errors=True)
        finish(root)
        root.chmod(0o755)
        root.rename(home)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _download(suite: str, packages: Sequence[str], work: Path) -> list[Path]:
    """The files of the packages, from the first mirror that has them."""
    failure: PackagesUnavailable | None = None
    for number, (uri, keyring) in enumerate(_mirrors()):
        try:
            return _download_from(uri, keyring, suite, packages, work / f"apt{number}")
        except PackagesUnavailable as error:  # noqa: PERF203  (a mirror or two)
            failure = failure or error
    assert failure is not None
    raise failure


def _download_from(
    uri: str, keyring: str, suite: str, packages: Sequence[str], apt: Path
) -> list[Path]:
    """Has apt fetch the packages and all they need, as if nothing at all were installed.

    The machine's own apt settings (proxies, certificates, credentials of its mirror) stay in force;
    only its sources, its pins, its state and its hooks are left out.
    """
    for folder in ("lists/partial", "archives/partial"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    options = f"signed-by={keyring} check-valid-until=no arch={_architecture()}"
    (apt / "sources.list").write_text(f"deb [{options}] {uri} {suite} main\n", encoding="utf-8")
    settings = apt / "settings"
    settings.write_text(
        f"""\
#clear APT::Default-Release;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::Etc::sourcelist "{apt}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{apt}";
Dir::State::status "{apt}/status";
Dir::State::lists "{apt}/lists";
Dir::Cache "{apt}";
Dir::Cache::archives "{apt}/archives";
Debug::NoLocking "true";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "2";
""",
        encoding="utf-8",
    )
    run("apt-get", "-q", "-c", str(settings), "update", "--error-on=any")
    install = ("install", "--yes", "--download-only", "--no-install-recommends")
    run("apt-get", "-q", "-c", str(settings), *install, *packages)
    return sorted((apt / "archives").glob("*.deb"))


def _mirrors() -> list[tuple[str, str]]:
    """The Debian mirrors in this machine's apt sources, likeliest first, each with its keyring.

    Vendors name their own suites ``stable main`` or ``bookworm main`` too: their path tells them
    from Debian.
    """
    if chosen := os.environ.get(MIRROR_VARIABLE):
        return [(chosen, _KEYRING)]
    etc = Path("/etc/apt")
    files = [*sorted(etc.glob("sources.list.d/*.sources")), etc / "sources.list"]
    files += sorted(etc.glob("sources.list.d/*.list"))
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file()]
    release = Path("/etc/os-release")
    suites = _main_suites(release.read_text(encoding="utf-8") if release.is_file() else "")
    found = [
        (uri, keyring if Path(keyring).is_file() else _KEYRING)
        for text in texts
        for uri, suite, components, keyring in _sources(text)
        if "main" in components and suite in suites
    ]
    if not found:
        raise PackagesUnavailable("have no Debian mirror", where="apt's sources", remedy=_HELP)
    return sorted(
        dict.fromkeys(found), key=lambda mirror: not mirror[0].rstrip("/").endswith("debian")
    )


def _sources(text: str) -> Iterator[tuple[str, str, list[str], str]]:
    """(URI, suite, components, keyring) of every binary source in a sources file, either format."""
    for line in text.splitlines():
        if found := re.match(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)", line):
            keyring = re.search(r"signed-by=(\S+)", found[1] or "", re.IGNORECASE)
            yield found[2], found[3], found[4].split(), keyring[1] if keyring else _KEYRING
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        fields = {
            key.lower(): value.split()
            for key, value in re.findall(r"(?m)^([\w-]+):((?:.*\n?)(?:[ \t].*\n?)*)", stanza)
        }
        if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
            continue
        keyring_file = " ".join(fields.get("signed-by", [_KEYRING]))
        for uri in fields.get("uris", []):
            for suite in fields.get("suites", []):
                yield uri, suite, fields.get("components", []), keyring_file


def _main_suites(os_release: str) -> set[str]:
    """What a Debian's own main suite may be called: not security, not updates."""
    codename = re.search(r'(?m)^VERSION_CODENAME="?(\w+)', os_release)
    names = {"oldstable", "stable", "testing", "unstable", "sid", "bullseye", "forky"}
    return names | {codename[1]} if codename else names


def _architecture() -> str:
    return run("dpkg", "--print-architecture").strip()


def run(*command: str) -> str:
    """What a command printed; ``PackagesUnavailable`` with its last words where it failed."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PackagesUnavailable(str(error), where=command[0], remedy=_HELP) from error
    if done.returncode:
        last_words = " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        what = f"failed with status {done.returncode}: {last_words}"
        raise PackagesUnavailable(what, where=Path(command[0]).name, remedy=_HELP)
    return done.stdout
