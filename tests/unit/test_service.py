from __future__ import annotations

import logging
from pathlib import Path

import pytest

from callcentre_disclosure import ConfigurationError, Disclosure
from callcentre_disclosure.testing import FakeChannel
from tests.call_centre import CallCentre

CONFIGURATION = """\
languages: [fr]
sites: {lyon: {country: FR}}
evidence: {file: evidence.sqlite}
routes: {one: {numbers: ["1"], sites: [lyon]}}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "config.yaml"
    path.write_text(CONFIGURATION)
    return path


def announced(disclosure: Disclosure, prompts: Disclosure) -> FakeChannel:
    channel = FakeChannel("1", sounds=prompts.prompts())
    driver = disclosure.agi(channel.now)
    channel.run(driver)
    assert driver.record is not None
    disclosure.keep([driver.record])
    return channel


def test_memory_and_compiled_file_announce_the_same(config: Path) -> None:
    whole = Disclosure.from_file(config)
    calls = [announced(of, whole) for of in (whole, Disclosure.for_one_call(config))]
    assert calls[0].timeline == calls[1].timeline
    assert calls[0].variables["DISCLOSURE_COUNTRIES"] == "FR"
    assert len(CallCentre(config.parent).evidence()) == 2
    ids = {call.variables["DISCLOSURE_ID"] for call in calls}
    assert len(ids) == 2


def test_a_server_is_told_of_a_bad_configuration_and_a_call_is_not(
    config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Disclosure.for_one_call(config)
    config.write_text("langages: [fr]\n")
    with pytest.raises(ConfigurationError, match="did you mean languages"):
        Disclosure.from_file(config)
    Disclosure.for_one_call(config)
    assert "the configuration before this one is used" in caplog.text
    assert "did you mean languages" in caplog.text


def test_a_cache_that_cannot_be_written_is_said(
    config: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_CACHE", "/proc/nowhere")
    disclosure = Disclosure.for_one_call(config)
    assert announced(disclosure, Disclosure.from_file(config)).timeline[-1] == "connected"
    assert "/proc/nowhere" in caplog.text


def test_evidence_that_will_not_be_written_is_said_at_the_start(
    config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (config.parent / "evidence.sqlite").mkdir()
    Disclosure.from_file(config).try_evidence()
    assert "records cannot be written" in caplog.text


def test_why_a_caller_was_not_told_is_logged(
    config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disclosure = Disclosure.from_file(config)
    channel = FakeChannel("999", caller="+33612345678")
    driver = disclosure.agi(channel.now)
    channel.run(driver)
    assert driver.record is not None
    with caplog.at_level(logging.WARNING):
        disclosure.keep([driver.record])
    assert "NOT_DISCLOSED: no site resolved" in caplog.text
    assert "61234" not in caplog.text
