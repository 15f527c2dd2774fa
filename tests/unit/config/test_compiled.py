"""The compiled file: what a call finds in it, when it is made again, and when it cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest

from callcentre_disclosure.config import compiling
from callcentre_disclosure.config.compiled import Compiled, CompiledFile, compiled_name
from callcentre_disclosure.config.directory import directory, ledger_place
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.location import cache_folders
from callcentre_disclosure.config.manifest import ManifestEntry, write_manifest
from callcentre_disclosure.config.opening import open_compiled
from callcentre_disclosure.errors import ConfigurationError

from .conftest import BASE, FRENCH, Write

CONFIG = (
    BASE
    + """\
numbering: {country_code: 33, trunk_prefix: 0}
sites:
  rabat: {country: MA}
  tunis: {country: TN, timezone: Africa/Tunis, hours: [mon 08:00-18:00]}
  lyon: {country: FR}
agents: {PJSIP/2*: {site: rabat}, PJSIP/201: {site: tunis, country: MG}}
agent_files: [agents.csv]
queues: {sales: {sites: [tunis, rabat]}, home: {sites: [lyon]}}
trunks:
  PJSIP/carrier: {sites: [rabat]}
  PJSIP/mute: {sites: [rabat, tunis], media: answered}
profiles:
  plain: {}
  full:
    title: Tout
    version: "2026-11-22"
    stages: [answered]
    directions: [outbound]
    announce_domestic: no
    repeat_exact: yes
    again: never
    deadline: 30
    choice: {region: domestic, stages: [answered], key: "9", seconds: 4.5}
    segments: [recording]
    keep_days: 90
routes:
  a: {numbers: [+33184880001], queue: sales, on_failure: refuse, language: fr}
  b:
    numbers: [2]
    profile: full
    dial: [PJSIP/201&PJSIP/202]
    choice: home
    media: early
    text: yes
    company: Alpha
    segments: [recording]
    on_failure: all
default: {sites: [rabat]}
domestic_country: FR
"""
)


@pytest.fixture
def config(write: Write) -> Path:
    write("interface,site\n" + "".join(f"SIP/{n},rabat\n" for n in range(300)), "agents.csv")
    return write(CONFIG)


@pytest.fixture
def cache(tmp_path: Path) -> tuple[str]:
    return (str(tmp_path / "cache"),)


def compiled_file(config: Path, cache: tuple[str]) -> Path:
    return Path(cache[0], compiled_name(config))


def country(opened: Compiled, site: str = "rabat") -> str | None:
    found = opened.directory.sites.get(site)
    return found.country if found else None


TABLES = (
    "sites",
    "agents",
    "queues",
    "trunks",
    "numbers",
    "routes",
    "profiles",
    "wordings",
    "sounds",
)


def test_a_call_finds_the_same_in_the_file_as_in_memory(config: Path, cache: tuple[str]) -> None:
    sounds = config.parent / "sounds"
    sounds.mkdir()
    write_manifest(sounds, {"fr/x": ManifestEntry("é", {"wav": "0" * 64}, 2.5, -26.0, "engine 1")})
    open_compiled(config, cache)
    file = CompiledFile.open(str(compiled_file(config, cache)))
    assert file is not None
    opened = file.compiled()

    memory = directory(load(config))
    for name in TABLES:
        table = getattr(memory, name)
        assert len(table) > 0
        for key in table:
            assert getattr(opened.directory, name).get(key) == table[key], (name, key)
        for key in ("", "nobody", "SIP", "SIP/3000", "~", "a\tb", "\n", "\udc80", "0"):
            assert getattr(opened.directory, name).get(key) is None, (name, key)
    assert list(opened.directory.agent_patterns) == list(memory.agent_patterns)
    for field in fields(memory):
        if field.name not in (*TABLES, "agent_patterns"):
            found = getattr(opened.directory, field.name)
            assert found == getattr(memory, field.name), field.name
    assert opened.evidence == ledger_place(load(config))


def test_an_unchanged_configuration_is_not_read_again(config: Path, cache: tuple[str]) -> None:
    open_compiled(config, cache)
    program = (
        "import sys; from callcentre_disclosure.config.opening import open_compiled\n"
        "found = open_compiled(sys.argv[1], (sys.argv[2],)).directory\n"
        "route = found.routes.get(found.numbers.get('0184880001'))\n"
        "assert route.sites == ('tunis', 'rabat')\n"
        "slow = {'yaml', 'zoneinfo', 'difflib', 'csv', 'sqlite3', 'tempfile', 'asyncio',"
        " 'pathlib'} & {*sys.modules}\n"
        "sys.exit(', '.join(slow) or 0)"
    )

    done = subprocess.run(
        [sys.executable, "-S", "-c", program, str(config), *cache],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(compiling.__file__).parents[2])},
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["config.yaml", "agents.csv", "texts/fr.yaml"])
def test_a_changed_source_makes_it_anew(
    config: Path, cache: tuple[str], write: Write, name: str
) -> None:
    open_compiled(config, cache)
    file = compiled_file(config, cache)
    before = file.stat().st_ino

    source = config.parent / name
    os.utime(source, ns=(0, source.stat().st_mtime_ns + 1))

    assert open_compiled(config, cache).findings == ()
    assert file.stat().st_ino != before


def test_a_source_that_appears_makes_it_anew(config: Path, cache: tuple[str]) -> None:
    assert open_compiled(config, cache).directory.sounds.get("fr/x") is None

    (config.parent / "sounds").mkdir()
    entry = ManifestEntry("text", {"wav": "0" * 64}, 2.5, -26.0, "engine")
    write_manifest(config.parent / "sounds", {"fr/x": entry})

    assert open_compiled(config, cache).directory.sounds.get("fr/x") is not None


def test_a_configuration_that_broke_is_used_as_it_was_and_says_so(
    config: Path, cache: tuple[str], write: Write
) -> None:
    open_compiled(config, cache)
    write(CONFIG.replace("country: MA", "country: UK"))

    for _ in range(2):  # found, then remembered
        opened = open_compiled(config, cache)
        assert country(opened) == "MA"
        assert [finding.key for finding in opened.findings] == ["sites.rabat.country"]

    write(CONFIG.replace("country: MA", "country: FR"))
    assert (country(open_compiled(config, cache)), open_compiled(config, cache).findings) == (
        "FR",
        (),
    )


def test_a_broken_configuration_is_not_read_again_by_every_call(
    config: Path, cache: tuple[str], write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_compiled(config, cache)
    write("languages: [")
    open_compiled(config, cache)
    monkeypatch.setattr(compiling, "load", lambda path: pytest.fail("it was read again"))

    assert open_compiled(config, cache).findings

    monkeypatch.undo()
    write(CONFIG)
    assert open_compiled(config, cache).findings == ()


def test_a_file_that_broke_behind_the_configuration_counts_too(
    config: Path, cache: tuple[str], write: Write
) -> None:
    open_compiled(config, cache)
    write(FRENCH.replace("{places}", "", 1), "texts/fr.yaml")
    assert open_compiled(config, cache).findings

    write(FRENCH, "texts/fr.yaml")
    assert open_compiled(config, cache).findings == ()

    (config.parent / "sounds").mkdir()
    write("{", "sounds/callcentre-disclosure.json")
    (finding,) = open_compiled(config, cache).findings
    assert finding.file.endswith("sounds/callcentre-disclosure.json")


def test_a_configuration_that_never_worked_is_an_error(write: Write, cache: tuple[str]) -> None:
    config = write("languages: []")

    for _ in range(2):
        with pytest.raises(ConfigurationError, match="the list is empty"):
            open_compiled(config, cache)


@pytest.mark.parametrize("damage", [b"", b"\n", b"{}\n", b"no json\n", b'{"format": "other"}\n'])
def test_a_damaged_file_is_made_anew(config: Path, cache: tuple[str], damage: bytes) -> None:
    open_compiled(config, cache)
    compiled_file(config, cache).write_bytes(damage)

    assert country(open_compiled(config, cache)) == "MA"
    assert CompiledFile.open(str(compiled_file(config, cache))) is not None


def test_without_a_folder_to_write_to_it_is_used_from_memory(config: Path, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()

    assert country(open_compiled(config, (str(in_the_way / "cache"),))) == "MA"


def test_a_later_folder_is_used_where_the_first_cannot_be_written(
    config: Path, cache: tuple[str], tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()

    open_compiled(config, (str(in_the_way / "cache"), *cache))

    assert compiled_file(config, cache).exists()


def test_whoever_may_not_read_the_configuration_may_not_read_what_was_compiled(
    config: Path, cache: tuple[str]
) -> None:
    config.chmod(0o640)
    open_compiled(config, cache)

    assert compiled_file(config, cache).stat().st_mode & 0o777 == 0o640


def test_many_calls_at_once_all_get_an_answer(config: Path, cache: tuple[str]) -> None:
    with ThreadPoolExecutor(8) as calls:
        opened = list(calls.map(lambda _: open_compiled(config, cache), range(24)))

    assert {country(one) for one in opened} == {"MA"}
    left = {path.name for path in Path(cache[0]).iterdir()}
    assert left == {compiled_name(config), f"{compiled_name(config)}.lock"}


def test_while_one_process_compiles_others_go_on_with_the_last(
    config: Path, cache: tuple[str], write: Write
) -> None:
    open_compiled(config, cache)
    write(CONFIG.replace("country: MA", "country: FR"))

    with compiling._lock(Path(f"{compiled_file(config, cache)}.lock"), wait=True):
        assert country(open_compiled(config, cache)) == "MA"

    assert country(open_compiled(config, cache)) == "FR"


def test_where_compiled_files_are_kept() -> None:
    assert cache_folders({"CALLCENTRE_DISCLOSURE_CACHE": "/tmp/x"}) == ("/tmp/x",)
    system, own = cache_folders({"XDG_CACHE_HOME": "/home/me/.cache"})
    assert system == "/var/cache/callcentre-disclosure"
    assert own == "/home/me/.cache/callcentre-disclosure"
