"""One sound: spoken by an engine, or written from a recording, and staged beside its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from callcentre_disclosure.config.manifest import ManifestEntry, SoundFormat, sound_file
from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.errors import EngineError, SoundError

from . import audio, formats
from .audio import Samples
from .engines import Engine
from .loudness import TOLERANCE
from .plan import Convert, Failed, Speak
from .store import Staged, stage


@dataclass(frozen=True, slots=True)
class Made:
    """A sound that is staged, and what the manifest is to say of it."""

    staged: Staged
    entry: ManifestEntry


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the sounds of a folder; the work of every process of a build."""

    folder: Path
    engine: Engine | None
    wanted: tuple[SoundFormat, ...]
    level: float

    def __call__(self, step: Speak | Convert) -> Made | Failed | EngineError:
        """A reason instead of an exception: that of a foreign engine may not pickle."""
        try:
            if isinstance(step, Convert):
                return self._convert(step)
            return self._speak(step.announcement)
        except EngineError as problem:
            return problem
        except SoundError as problem:
            return Failed(step.sound_name, problem.explain())
        except Exception as problem:
            return Failed(step.sound_name, f"{type(problem).__name__}: {problem}")

    def _speak(self, announcement: Announcement) -> Made:
        if self.engine is None:
            raise SoundError(f"no engine speaks {announcement.language!r}")
        speech = self.engine.speak(announcement.text, announcement.language)
        rates = {formats.rate(fmt) for fmt in self.wanted}
        versions = audio.versions(speech.samples, speech.rate, rates, self.level)
        level = self._level_of(versions)
        staged = self._stage(announcement.sound_name, self.wanted, versions)
        rate, samples = next(iter(versions.items()))
        entry = ManifestEntry(
            text=announcement.text,
            files=staged.files,
            seconds=len(samples) / rate,
            level=level,
            engine=self.engine.name,
        )
        return Made(staged, entry)

    def _convert(self, step: Convert) -> Made:
        """A recording keeps its files of the right level, and its length to a sample."""
        file = sound_file(self.folder, step.sound_name, step.source.value)
        rate = formats.rate(step.source)
        recorded = formats.decoded(file.read_bytes(), step.source)
        recorded = recorded[: round(step.entry.seconds * rate)]
        rates = {formats.rate(fmt) for fmt in step.missing}
        versions = {
            out: audio.levelled(audio.resampled(recorded, rate, out), out, self.level)
            for out in rates
        }
        level = self._level_of(versions)
        staged = self._stage(step.sound_name, step.missing, versions)
        files = {**step.entry.files, **staged.files}
        return Made(staged, replace(step.entry, files=files, level=level))

    def _stage(
        self, name: str, wanted: tuple[SoundFormat, ...], versions: Mapping[int, Samples]
    ) -> Staged:
        data = {fmt: formats.encoded(versions[formats.rate(fmt)], fmt) for fmt in wanted}
        return stage(self.folder, name, data)

    def _level_of(self, versions: Mapping[int, Samples]) -> float:
        """The level reached, in dBov; ``SoundError`` where it is not the one that is wanted."""
        level = min(audio.level(samples, rate) for rate, samples in versions.items())
        if level < self.level - TOLERANCE:
            raise SoundError(
                f"gets to {level:.1f} dBov only, with peaks at {audio.PEAK:g} dBFS",
                remedy=f"ask for a level below {self.level:g} dBov, or record it",
            )
        return round(level, 2)
