from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from callcentre_disclosure.config.emergency import emergency
from callcentre_disclosure.disclosure.call import CallFacts
from callcentre_disclosure.disclosure.decision import decide


@pytest.mark.parametrize("language", ["fr", "en", "it", "es", "de"])
def test_without_a_configuration_the_sentence_that_names_no_country_is_there(
    language: str,
) -> None:
    call = CallFacts("1", "c", "test", dialled_number="1", channel_language=language)
    decision = decide(call, emergency().directory, datetime(2026, 11, 23, tzinfo=timezone.utc))
    assert decision.obstacle == "no site resolved"
    (generic,) = decision.fallbacks
    assert generic.prompt is not None
    assert generic.prompt.announcement.language == language
    assert Path(f"{generic.prompt.sound.path}.ulaw").is_file()


def test_without_any_sounds_a_call_goes_on_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callcentre_disclosure.config.emergency.shipped", lambda _: tmp_path)
    call = CallFacts("1", "c", "test", channel_language="fr")
    decision = decide(call, emergency().directory, datetime(2026, 11, 23, tzinfo=timezone.utc))
    assert decision.language == "fr"
    assert [fallback.prompt for fallback in decision.fallbacks] == [None]
