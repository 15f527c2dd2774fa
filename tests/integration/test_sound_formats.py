"""Every format that ``prompts build`` writes is one that Asterisk plays, to its end."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from callcentre_disclosure.config.manifest import SoundFormat, read_manifest, sound_file
from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.speech import audio
from callcentre_disclosure.speech.build import build
from callcentre_disclosure.speech.engines import Speech
from callcentre_disclosure.speech.formats import decoded, rate
from callcentre_disclosure.testing.recording import Recording, find
from callcentre_disclosure.testing.sip import Phone
from callcentre_disclosure.testing.sounds import sentence

if TYPE_CHECKING:
    from tests.integration.conftest import RunAsterisk

MOROCCO = Announcement("fr", "Votre appel est traité depuis le Maroc.", "fr/possible-ma-0a1b2c3d")


class Sentences:
    """Says every word in a way of its own, at 8 kHz."""

    name = "sentences 1"
    languages = ("fr",)

    def speak(self, text: str, language: str) -> Speech:
        return Speech(np.array(sentence(text), np.float32) / np.float32(32768), 8000)


def test_a_sound_that_is_there_in_one_format_alone_is_heard_to_its_end(
    run_asterisk: RunAsterisk, caller: Phone, tmp_path: Path
) -> None:
    folders = {fmt: tmp_path / fmt.value for fmt in SoundFormat}
    for fmt, folder in folders.items():
        build([MOROCCO], folder, {"fr": Sentences()}, formats=[fmt])
        assert [file.suffix for file in (folder / "fr").iterdir()] == [f".{fmt.value}"]

    asterisk = run_asterisk(
        "[inbound]\n"
        + "".join(
            f"""
exten => {fmt.value},1,Answer()
 same => n,Playback({folder / MOROCCO.sound_name})
 same => n,SendText(${{PLAYBACKSTATUS}})
 same => n,Hangup()
"""
            for fmt, folder in folders.items()
        )
    )
    calls = {fmt: caller.call(fmt.value, asterisk.sip_address) for fmt in SoundFormat}
    for fmt, call in calls.items():
        call.wait_for("ended", timeout=30)
        match = find(call.recording(), as_recording(folders[fmt], fmt))
        assert match is not None, fmt
        assert match.complete, (fmt, match)
        assert [message.text for message in call.messages] == ["SUCCESS"], fmt
        seconds = read_manifest(folders[fmt])[MOROCCO.sound_name].seconds
        assert call.recording().duration == pytest.approx(seconds, abs=0.5), fmt


def as_recording(folder: Path, fmt: SoundFormat) -> Recording:
    """What is in the file, for the recogniser: GSM alters a sound too much to compare what was
    heard with what was encoded."""
    file = sound_file(folder, MOROCCO.sound_name, fmt.value)
    samples = audio.resampled(decoded(file.read_bytes(), fmt), rate(fmt), audio.RATE)
    return Recording(array("h", np.rint(samples * 32767).astype(np.int16).tobytes()))
