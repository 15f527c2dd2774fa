"""The sounds that come with the package, as callers receive them."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.intelligibility.scoring import USUAL
from callcentre_disclosure.config.manifest import ManifestEntry, SoundFormat, read_manifest
from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.config.wordings import wording
from callcentre_disclosure.disclosure.announcement import announcement
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.speech.formats import decoded
from callcentre_disclosure.testing.installation import Version
from callcentre_disclosure.testing.recording import Recording, find
from callcentre_disclosure.testing.sip import Phone
from tests.integration.received import are_kept, keep

if TYPE_CHECKING:
    from tests.integration.conftest import RunAsterisk

SOUNDS = shipped("prompts") / "sounds"
AT_ONCE = 6  # calls: with many more, a busy machine drops some of the sound

EXTENSION = """\
exten => {number},1,Answer()
 same => n,Playback({sound})
 same => n,Hangup()
"""


def usual_sounds() -> list[str]:
    """What is said of the usual countries in French; a few of them, where nobody keeps them."""
    words = wording("fr")
    said = [
        announcement(words, Direction.INBOUND, stage, (code,)) for stage in Stage for code in USUAL
    ]
    names = [sentence.sound_name for sentence in said if sentence]
    return names if are_kept() else names[:: len(names) // AT_ONCE]


def reference(name: str, entry: ManifestEntry) -> Recording:
    """A shipped sound, decoded."""
    fmt = SoundFormat(next(iter(entry.files)))
    samples = decoded((SOUNDS / f"{name}.{fmt.value}").read_bytes(), fmt)
    return Recording(array("h", np.rint(samples * 32768).astype(np.int16).tobytes()))


def test_the_usual_countries_are_heard_whole(
    run_asterisk: RunAsterisk, caller: Phone, asterisk_version: Version
) -> None:
    there = read_manifest(SOUNDS)
    numbers = {name: str(number) for number, name in enumerate(usual_sounds(), start=100)}
    extensions = [EXTENSION.format(number=numbers[name], sound=SOUNDS / name) for name in numbers]
    asterisk = run_asterisk("[inbound]\n" + "".join(extensions))
    names = list(numbers)
    again: list[str] = []
    while names:
        some, names = names[:AT_ONCE], names[AT_ONCE:]
        calls = {name: caller.call(numbers[name], asterisk.sip_address) for name in some}
        for name, call in calls.items():
            call.wait_for("ended", timeout=20)
            match = find(call.recording(), reference(name, there[name]))
            if match is not None and match.complete:
                keep(call.recording(), match, SOUNDS, name, asterisk_version)
            else:
                assert name not in again, f"{name}: {match}"
                again.append(name)  # a busy machine loses some of one call, not of the next too
                names.append(name)
    assert len(again) <= 1 + len(numbers) // 10
