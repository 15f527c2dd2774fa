"""``prompts install``, as the administrator of an Asterisk meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.directory import sounds
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import MANIFEST, read_manifest
from callcentre_disclosure.speech.audio import LEVEL
from callcentre_disclosure.speech.build import build
from callcentre_disclosure.speech.install import USERS
from tests import command_line
from tests.unit.speech.tones import Tones


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With sounds that are built, and none of the package."""
    path = tmp_path / "config.yaml"
    path.write_text(
        "languages: [en]\nsounds:\n  folder: built\n  installed: asterisk\n"
        "sites: {dakar: {country: SN}}\nroutes: {one: {numbers: ['1'], sites: [dakar]}}\n"
    )
    (tmp_path / "asterisk").mkdir()
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_CONFIG", str(path))
    loaded = load(path)
    build(
        needed(loaded),
        loaded.sounds.folder,
        {"en": Tones()},
        formats=loaded.sounds.formats,
        level=LEVEL,
    )
    return path


def run(*arguments: str | Path) -> Result:
    return command_line.run("prompts", "install", *arguments)


def without(path: Path, line: str) -> None:
    path.write_text(path.read_text().replace(line, ""))


def test_calls_play_what_is_installed(configuration: Path, tmp_path: Path) -> None:
    before = {said.sound_name for said in needed(load(configuration))}
    done = run()
    assert (done.exit_code, done.stderr) == (0, "")
    count = len(before)
    assert done.stdout == (
        f"{count} installed, 0 kept, 0 files removed in {tmp_path / 'asterisk'}\n"
        "send the server SIGHUP, so that calls play them from there\n"
    )
    assert set(read_manifest(tmp_path / "asterisk")) == before
    played = sounds(load(configuration))
    assert {played[name].path for name in before} == {
        str(tmp_path / "asterisk" / name) for name in before
    }
    again = run()
    assert again.stdout.startswith(f"0 installed, {count} kept, 0 files removed in ")


def test_what_a_changed_configuration_needs_no_more_goes(
    configuration: Path, tmp_path: Path
) -> None:
    run()
    country = configuration.read_text().replace("SN", "TD")
    configuration.write_text(country)
    done = run()
    assert done.exit_code == 1
    assert "is not built; run `callcentre-disclosure prompts build`" in done.stderr
    assert not list((tmp_path / "asterisk").glob("en/*-sn-*"))


def test_without_a_folder_it_says_what_to_write(configuration: Path) -> None:
    without(configuration, "  installed: asterisk\n")
    done = run()
    assert done.exit_code == 2
    assert f"{configuration}: sounds.installed is not set; write `installed: /" in done.stderr


def test_a_folder_that_is_not_there(configuration: Path, tmp_path: Path) -> None:
    (tmp_path / "asterisk").rmdir()
    done = run()
    assert done.exit_code == 2
    assert f"{tmp_path / 'asterisk'}: there is no such folder" in done.stderr


def test_where_sounds_are_made_they_are_not_installed(configuration: Path) -> None:
    configuration.write_text(configuration.read_text().replace("asterisk", "built"))
    done = run()
    assert done.exit_code == 2
    assert "cannot be installed where they are made" in done.stderr


def test_for_a_web_server(configuration: Path, tmp_path: Path) -> None:
    without(configuration, "  installed: asterisk\n")
    done = run("--http", tmp_path / "web")
    assert done.exit_code == 0
    assert "write `url: https://HOST/FOLDER` below `sounds:`" in done.stdout
    text = configuration.read_text()
    configuration.write_text(text.replace("  folder", "  url: https://host/sounds\n  folder"))
    assert "calls fetch them from https://host/sounds" in run("--http", tmp_path / "web").stdout
    wanted = {said.sound_name for said in needed(load(configuration))}
    addresses = {sounds(load(configuration))[name].path for name in wanted}
    served = {
        f"https://host/sounds/{file.relative_to(tmp_path / 'web')}"
        for file in (tmp_path / "web").rglob("*")
        if file.is_file() and file.name not in (MANIFEST, USERS, ".lock")
    }
    assert served == addresses


def test_needs_nothing_that_builds_sounds(configuration: Path) -> None:
    program = (
        "import sys\nfor name in ('numpy', 'soundfile', 'soxr'): sys.modules[name] = None\n"
        "sys.argv = ['callcentre-disclosure', 'prompts', 'install']\n"
        "from callcentre_disclosure.cli.main import main\nmain()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_what_comes_with_the_package_is_as_good_when_it_is_installed(configuration: Path) -> None:
    """In a format of its own, which is not the one that would be built."""
    configuration.write_text(
        "languages: [fr]\nsounds: {folder: none, installed: asterisk}\n"
        "sites: {casablanca: {country: MA}}\ndefault: {sites: [casablanca]}\n"
    )
    assert "6 installed" in run().stdout
    assert "6 sounds, no findings" in command_line.run("prompts", "check").stdout
