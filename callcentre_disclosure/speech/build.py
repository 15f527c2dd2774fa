"""Make the sounds that are missing.

Each is made whole, then put in its place, then named by the manifest. So whatever stops a build,
no half sound has a name, what was made stays, and calls play the old sounds until the new ones
are there.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from callcentre_disclosure.config.manifest import ManifestEntry, SoundFormat
from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.errors import EngineError

from .loudness import LEVEL
from .plan import Convert, Failed, Plan, Speak, plan
from .store import writing
from .workers import WorkerDied, results

if TYPE_CHECKING:
    from .engines import Engine
    from .make import Made, Maker

__all__ = ["BuildReport", "Built", "Failed", "build"]

_WORTH_A_PROCESS = 16  # sounds: below that, a process takes longer to start than to do them


@dataclass(frozen=True, slots=True)
class Built:
    """A sound that was made: the ``done``-th of ``total``, those that failed counted too."""

    sound_name: str
    entry: ManifestEntry
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What became of each sound asked for; ``kept`` holds the names of those already there."""

    built: tuple[Built, ...]
    kept: tuple[str, ...]
    failed: tuple[Failed, ...]


def build(
    announcements: Iterable[Announcement],
    folder: Path,
    engines: Mapping[str, Engine],
    *,
    formats: Sequence[SoundFormat],
    level: float = LEVEL,
    again: bool = False,
    jobs: int | None = None,
    progress: Callable[[Built], None] | None = None,
) -> BuildReport:
    """Have a sound for every announcement: in all formats, at a level (dBov), and in the manifest.

    ``engines`` holds the engine of each language. What is there is kept; with ``again`` all is
    made anew but what a person recorded. One that fails does not stop the others. ``jobs`` is the
    number of processes; by default one for each processor, where there is enough to do and the
    engine allows it. With more than one, a script that calls this needs
    ``if __name__ == "__main__":``.

    Raises ``SoundError`` where nothing can be built (the folder cannot be written, another build
    is at work in it), and ``EngineError`` where an engine can say nothing at all, or a process of
    it crashed; what was built until then stays.
    """
    announcements = tuple(announcements)

    def planned() -> Plan:
        return plan(announcements, folder, formats=formats, level=level, again=again)

    todo = planned()
    if not todo.work:
        return BuildReport((), todo.kept, todo.failed)
    _require(formats, [engines[language] for language in todo.languages if language in engines])
    built: list[Built] = []
    with writing(folder) as store:
        todo = planned()  # once more: another build may just have ended
        failed = list(todo.failed)
        store.disown(todo.stale)
        made = _made(_makers(todo.work, folder, engines, tuple(formats), level), jobs)
        with closing(made):
            for done, result in enumerate(made, start=1):
                if isinstance(result, Failed):
                    failed.append(result)
                    continue
                store.publish(result.staged, result.entry)
                built.append(Built(result.staged.name, result.entry, done, len(todo.work)))
                if progress:
                    progress(built[-1])
    return BuildReport(tuple(built), todo.kept, tuple(failed))


def _require(formats: Iterable[SoundFormat], engines: Iterable[Engine]) -> None:
    """Say once, rather than for each sound, that something is not installed."""
    from .formats import require

    for engine in engines:
        _ = engine.name
    require(formats)


def _makers(
    work: Iterable[Speak | Convert],
    folder: Path,
    engines: Mapping[str, Engine],
    formats: tuple[SoundFormat, ...],
    level: float,
) -> list[tuple[Maker, list[Speak | Convert]]]:
    """The work by the engine that does it, for each allows its own number of processes."""
    from .make import Maker

    makers: dict[int, tuple[Maker, list[Speak | Convert]]] = {}
    for step in work:
        language = step.announcement.language if isinstance(step, Speak) else ""
        engine = engines.get(language)
        maker = Maker(folder, engine, formats, level)
        makers.setdefault(id(engine), (maker, []))[1].append(step)
    return list(makers.values())


def _made(
    makers: Iterable[tuple[Maker, Sequence[Speak | Convert]]], jobs: int | None
) -> Generator[Made | Failed, None, None]:
    for maker, steps in makers:
        running = results(maker, steps, _processes(jobs, len(steps), maker))
        with closing(running):
            try:
                for _, result in running:
                    if isinstance(result, EngineError):
                        raise result
                    yield result
            except WorkerDied as died:
                raise _crashed(maker.engine, died.tasks) from died


def _processes(jobs: int | None, steps: int, maker: Maker) -> int:
    """How many processes to use; an engine that cannot travel to another stays in this one."""
    from .engines import at_once

    allowed = at_once(maker.engine) if maker.engine else None
    wanted = jobs or min(len(os.sched_getaffinity(0)), steps // _WORTH_A_PROCESS)
    wanted = min(wanted, allowed or wanted)
    try:
        return wanted if wanted < 2 or pickle.dumps(maker) else 1
    except Exception:  # what it raises depends on what the engine holds
        return 1


def _crashed(engine: Engine | None, at_work: Sequence[Speak | Convert]) -> EngineError:
    texts = [repr(step.announcement.text) for step in at_work if isinstance(step, Speak)]
    return EngineError(
        f"{engine.name if engine else 'a process of the build'} crashed at {' or '.join(texts)}",
        remedy="reword or record that, or choose another engine; what was made before is kept",
    )
