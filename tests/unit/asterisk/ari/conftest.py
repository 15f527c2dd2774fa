"""What the tests of the client share."""

from __future__ import annotations

import pytest

from callcentre_disclosure.asterisk.ari import asterisk, dialling, listening


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses in which nothing happens are short."""
    monkeypatch.setattr(asterisk, "REPEAT_SECONDS", 0.001)
    monkeypatch.setattr(asterisk, "GOODBYE_SECONDS", 0.1)
    monkeypatch.setattr(dialling, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(dialling, "LONGEST_PAUSE", 0.002)
    monkeypatch.setattr(dialling, "PAUSE_FOR_PEOPLE", 0.003)
    monkeypatch.setattr(listening, "GOODBYE_SECONDS", 0.1)
    monkeypatch.setattr(listening, "REST_SECONDS", 0.0)
    monkeypatch.setattr(listening, "REFUSAL_SECONDS", 0.001)
