"""Any program that writes what it is told to say into a sound file."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from callcentre_disclosure.errors import EngineError, SoundError

from .decoding import UnreadableError, decoded
from .port import Speech
from .program import run
from .wording import said_nothing, sayable

_PLACEHOLDER = re.compile(r"\{(?:text|language|file)\}")


@dataclass(frozen=True, slots=True)
class Command:
    """A program, run once for each sentence: ``("piper", "--output_file", "{file}")``.

    ``words`` are given to it as they stand, without a shell, but that ``{text}``, ``{language}``
    and ``{file}`` are filled in; ``{file}`` is the sound file that it has to write, in any
    format that libsndfile reads. The text is on its standard input too, in UTF-8. One that takes
    more than ``time_limit`` seconds is killed, with whatever it started.
    """

    words: tuple[str, ...]
    time_limit: float = 60.0

    languages = ()  # only the program knows

    @property
    def name(self) -> str:
        """``command piper``: no more, as its words may hold a key."""
        if not self.words or not any("{file}" in word for word in self.words):
            raise EngineError(
                f"no {{file}} in the command {' '.join(self.words)!r}",
                remedy="write {file} in it, for the sound file that it writes",
            )
        program = self.words[0]
        if shutil.which(program) is None:
            raise self._cannot_run("there is no such program, or it may not be run")
        return f"command {Path(program).name}"

    def speak(self, text: str, language: str) -> Speech:
        name = self.name
        text = sayable(text, name)
        if not text.strip():
            raise said_nothing(name, text)
        if text.startswith("-") and "{text}" in self.words:
            raise SoundError(
                f"{name} would take {text!r} for an option", remedy="begin it with a letter"
            )
        with tempfile.TemporaryDirectory(prefix="callcentre-disclosure.") as folder:
            file = Path(folder, "speech.wav")
            values = {"{text}": text, "{language}": language, "{file}": str(file)}
            words = [_PLACEHOLDER.sub(lambda found: values[found[0]], w) for w in self.words]
            self._run(words, text, name)
            return self._read(file, name)

    def _run(self, words: Sequence[str], text: str, name: str) -> None:
        with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as complaints:
            told.write(text.encode())
            told.seek(0)
            try:
                status = run(words, self.time_limit, stdin=told, stderr=complaints)
            except OSError as problem:
                raise self._cannot_run(problem.strerror or str(problem)) from problem
            except subprocess.TimeoutExpired as late:
                raise SoundError(
                    f"{name} was still at it after {self.time_limit:g} s{_said(complaints)}",
                    remedy="run it by hand to see what it waits for",
                ) from late
            if status:
                ended = _signal_name(-status) if status < 0 else f"with status {status}"
                raise SoundError(
                    f"{name} ended {ended}{_said(complaints)}",
                    remedy="run it by hand to see what is wrong",
                )

    @staticmethod
    def _read(file: Path, name: str) -> Speech:
        what = ""
        try:
            if not file.stat().st_size:
                what = f"{name} left an empty file"
            else:
                speech = decoded(file)
                if speech.samples.any():
                    return speech
                what = f"{name} wrote a file without a sound in it"
        except FileNotFoundError:
            what = f"{name} wrote no file"
        except UnreadableError as problem:
            what = f"{name} wrote a file that cannot be read: {problem}"
        raise SoundError(what, remedy="run it by hand and listen to what it writes")

    def _cannot_run(self, reason: str) -> EngineError:
        return EngineError(
            f"{self.words[0]!r} cannot be run: {reason}",
            remedy="install it, or name it by its whole path",
        )


def _said(complaints: IO[bytes]) -> str:
    """The last line that it wrote to its standard error, with a colon before it."""
    end = complaints.seek(0, os.SEEK_END)
    complaints.seek(max(0, end - 2000))
    lines = complaints.read().decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {last}" if last else ""


def _signal_name(number: int) -> str:
    try:
        return f"by {signal.Signals(number).name}"
    except ValueError:
        return f"by signal {number}"
