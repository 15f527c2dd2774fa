"""``prompts import``, as whoever brings the studio's files meets it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import read_manifest
from callcentre_disclosure.disclosure.announcement import Announcement
from tests import command_line
from tests.unit.speech.people import save, voice


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(
        "languages: [en]\nsounds: {folder: sounds}\nsites: {dakar: {country: SN}}\n"
        "routes: {one: {numbers: ['1'], sites: [dakar]}}\n"
    )
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_CONFIG", str(path))
    return path


@pytest.fixture
def senegal(configuration: Path) -> Announcement:
    sentences = needed(load(configuration))
    return next(said for said in sentences if said.sound_name.startswith("en/possible-sn-"))


def run(*arguments: str | Path) -> Result:
    return command_line.run("prompts", "import", *arguments)


def test_a_studios_folder_is_taken_over(tmp_path: Path, senegal: Announcement) -> None:
    save(tmp_path / "studio/en/possible-sn.wav", voice(senegal))
    (tmp_path / "studio/what to say.csv").touch()
    done = run(tmp_path / "studio")
    assert done.exit_code == 0
    first, second, third = done.stdout.splitlines()
    assert first.startswith(f"{senegal.sound_name}: ")
    assert " dB above the noise, from " in first
    assert second == f"1 taken over into {tmp_path / 'sounds'}, 0 refused"
    assert third == "send the server SIGHUP, so that calls know them"
    assert f"no sounds, and passed over: {tmp_path}/studio/what to say.csv" in done.stderr
    assert read_manifest(tmp_path / "sounds")[senegal.sound_name].recorded


def test_the_good_ones_are_taken_over_and_all_problems_told(
    tmp_path: Path, senegal: Announcement
) -> None:
    save(tmp_path / "en/possible-sn.wav", voice(senegal))
    save(tmp_path / "en/posible-sn.wav", voice(senegal))
    save(tmp_path / "en/generic.wav", np.clip(voice(senegal)[4000:12000] * 30, -1, 1))
    done = run(tmp_path / "en")
    assert done.exit_code == 1
    assert "1 taken over into " in done.stdout
    assert ", 2 refused" in done.stdout
    assert "did you mean en/possible-sn?" in done.stderr
    assert "is clipped: " in done.stderr
    assert "lasts only " in done.stderr


def test_a_single_file_of_any_name(tmp_path: Path, senegal: Announcement) -> None:
    done = run(save(tmp_path / "take 3.flac", voice(senegal)), "--sound", "en/possible-sn")
    assert done.exit_code == 0
    assert read_manifest(tmp_path / "sounds")[senegal.sound_name].engine == "take 3.flac"


def test_the_way_back_to_the_synthetic_voice(tmp_path: Path, senegal: Announcement) -> None:
    run(save(tmp_path / "en/possible-sn.wav", voice(senegal)))
    done = run("--forget", "en/possible-sn")
    assert done.exit_code == 0
    assert f"{senegal.sound_name}: its recording is gone; run " in done.stdout
    assert json.loads((tmp_path / "sounds/callcentre-disclosure.json").read_text())["sounds"] == {}
    again = run("--forget", "en/possible-sn")
    assert again.exit_code == 2
    assert "there is no recording of 'en/possible-sn'" in again.stderr


def test_the_next_step_where_sounds_are_installed(
    tmp_path: Path, configuration: Path, senegal: Announcement
) -> None:
    text = configuration.read_text()
    configuration.write_text(text.replace("sounds}", "sounds, installed: asterisk}"))
    done = run(save(tmp_path / "en/possible-sn.wav", voice(senegal)))
    assert done.stdout.splitlines()[-1].startswith("run `callcentre-disclosure prompts install`")


@pytest.mark.parametrize(
    "arguments",
    [[], ["--sound", "en/generic"], ["none.wav"], ["."]],
    ids=["nothing", "a sound without a file", "no such file", "an empty folder"],
)
def test_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert run(*arguments).exit_code == 2
