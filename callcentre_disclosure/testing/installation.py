"""An Asterisk to run, without being root and without touching the machine.

Debian 12 and 13 have no ``asterisk`` package, but Debian bullseye has Asterisk 16 and forky has 22.
``obtain`` has apt fetch one of them with all its libraries, from the mirror that this machine's
apt uses already, into a folder of its own. Signatures are checked as for any package. Asterisk is
then run by *its own* dynamic loader: no ``LD_LIBRARY_PATH`` is set, so the AGI scripts it starts
run with the machine's Python and libraries.

About 80 MB are fetched and 300 MB kept, once for every version.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from callcentre_disclosure.errors import DisclosureError

Version = Literal["16", "22"]

SUITES: Mapping[str, str] = {"16": "bullseye", "22": "forky"}
"""The Debian release that has this version of Asterisk."""

MIRROR_VARIABLE = "CALLCENTRE_DISCLOSURE_DEBIAN_MIRROR"
"""Environment variable: a Debian mirror to use instead of the one in the machine's apt sources."""

CACHE_VARIABLE = "CALLCENTRE_DISCLOSURE_CACHE"
"""Environment variable: the folder in which fetched versions are kept."""

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_PATIENCE = 900.0
_HELP = f"set {MIRROR_VARIABLE} to a Debian mirror that this machine can reach, or install asterisk"


class AsteriskUnavailable(DisclosureError):
    """No Asterisk can be had on this machine: what failed, and what to do."""


@dataclass(frozen=True)
class Installation:
    """An Asterisk that can be run."""

    version: str
    """As it calls itself: ``22.10.1``."""
    command: tuple[str, ...]
    """What starts it, before its own arguments."""
    modules: Path
    """The folder of its ``.so`` modules."""
    data: Path
    """The folder that holds its ``documentation``, ``rest-api`` and ``sounds``."""

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


def default_cache() -> Path:
    """``$CALLCENTRE_DISCLOSURE_CACHE``, or ``callcentre-disclosure`` in the user's cache."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen)
    users = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(users) / "callcentre-disclosure"


def system() -> Installation | None:
    """The Asterisk that is installed on this machine, if one is. Its configuration is not read."""
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    program = shutil.which("asterisk", path=places)
    if program is None:
        return None
    prefix = Path(program).resolve().parent.parent
    folders = (
        found for lib in ("lib*", "lib*/*") for found in prefix.glob(f"{lib}/asterisk/modules")
    )
    modules = next((folder for folder in folders if (folder / "res_agi.so").exists()), None)
    homes = (prefix / "share/asterisk", Path("/usr/share/asterisk"), Path("/var/lib/asterisk"))
    data = next((home for home in homes if (home / "documentation").is_dir()), None)
    if modules is None or data is None:
        return None
    return Installation(_version((program,)), (program,), modules, data)


def obtain(version: Version, cache: Path | None = None) -> Installation:
    """Debian's Asterisk 16 or 22 from the cache, fetched into it where it is not there yet.

    Fetching takes about ten seconds and needs ``apt-get``, ``dpkg-deb`` and the machine's mirror;
    neither root nor an entry in the machine's configuration. Several processes may ask at once:
    one fetches, the others wait. What was interrupted leaves nothing that looks whole. A cache that
    has this version already need not be writable, so users can share one.

    Raises ``AsteriskUnavailable``.
    """
    cache = (cache or default_cache()).absolute()
    home = cache / f"asterisk-{version}"
    try:
        if not home.is_dir():
            cache.mkdir(parents=True, exist_ok=True)
            with _alone(cache / f"asterisk-{version}.lock"):
                if not home.is_dir():
                    _fetch(SUITES[version], home)
        return _installation(home)
    except OSError as error:
        raise AsteriskUnavailable(
            f"Asterisk {version} cannot be kept ({error})",
            where=str(cache),
            remedy=f"set {CACHE_VARIABLE} to a folder that can be written, with 500 MB free",
        ) from error


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Holds a lock among processes; the system lets go of it when the process dies."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(suite: str, home: Path) -> None:
    """Makes ``home``, whole or not at all."""
    for missing in (tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None):
        raise AsteriskUnavailable(f"there is no {missing} here", remedy="install asterisk yourself")
    prefix = f".{home.name}."
    for leftover in home.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=prefix, dir=home.parent))
    try:
        packages = _download(suite, work)
        root = work / "root"
        root.mkdir()
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            list(pool.map(lambda deb: _run("dpkg-deb", "-x", str(deb), str(root)), packages))
        for unneeded in ("doc", "man", "locale", "perl", "zoneinfo"):
            shutil.rmtree(root / "usr/share" / unneeded, ignore_errors=True)
        _installation(root)
        root.chmod(0o755)
        root.rename(home)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _download(suite: str, work: Path) -> list[Path]:
    """The packages, from the first mirror that has them."""
    failure: AsteriskUnavailable | None = None
    for number, (uri, keyring) in enumerate(_mirrors()):
        try:
            return _download_from(uri, keyring, suite, work / f"apt{number}")
        except AsteriskUnavailable as error:  # noqa: PERF203  (a mirror or two)
            failure = failure or error
    assert failure is not None
    raise failure


def _download_from(uri: str, keyring: str, suite: str, apt: Path) -> list[Path]:
    """Has apt fetch Asterisk and all it needs, as if nothing at all were installed.

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
    _run("apt-get", "-q", "-c", str(settings), "update", "--error-on=any")
    install = ("install", "--yes", "--download-only", "--no-install-recommends")
    _run("apt-get", "-q", "-c", str(settings), *install, "asterisk", "asterisk-modules")
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
        raise AsteriskUnavailable("have no Debian mirror", where="apt's sources", remedy=_HELP)
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
    names = {"oldstable", "stable", "testing", "unstable", "sid", *SUITES.values()}
    return names | {codename[1]} if codename else names


def _architecture() -> str:
    return _run("dpkg", "--print-architecture").strip()


def _installation(root: Path) -> Installation:
    """The Asterisk that was unpacked here."""
    loader = next(root.glob("**/lib/*-linux-gnu*/ld*.so*"), None)
    agi = next(root.glob("usr/lib/**/asterisk/modules/res_agi.so"), None)
    program = root / "usr/sbin/asterisk"
    if loader is None or agi is None or not program.is_file():
        raise AsteriskUnavailable(
            "is no whole Asterisk", where=str(root), remedy="remove this folder and try again"
        )
    machine = loader.parent.name
    libraries = (f"usr/lib/{machine}", f"lib/{machine}", "usr/lib", f"usr/lib/{machine}/pulseaudio")
    path = ":".join(str(root / folder) for folder in libraries)
    command = (str(loader), "--library-path", path, str(program))
    return Installation(_version(command), command, agi.parent, root / "usr/share/asterisk")


def _version(command: tuple[str, ...]) -> str:
    said = _run(*command, "-V")
    found = re.search(r"Asterisk (?:certified/)?(\d+(?:\.\d+)*)", said)
    if found is None:
        raise AsteriskUnavailable(f"says {said.strip()!r} for its version", where=command[-1])
    return found[1]


def _run(*command: str) -> str:
    """What a command printed; ``AsteriskUnavailable`` with its last words where it failed."""
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
        raise AsteriskUnavailable(str(error), where=command[0], remedy=_HELP) from error
    if done.returncode:
        last_words = " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        what = f"failed with status {done.returncode}: {last_words}"
        raise AsteriskUnavailable(what, where=Path(command[0]).name, remedy=_HELP)
    return done.stdout
