"""Google Translate's voice, by gTTS: many languages, online, when sounds are built.

gTTS 2.5.4 itself sends with TLS checks switched off (``gtts/tts.py``: ``verify=False``), waits
for ever unless told otherwise, and leaves an empty file behind where something fails. So it only
writes the requests here; they are sent with TLS checked, a time limit, and the retries that
Google's limits ask for. Google promises nothing about this service.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from callcentre_disclosure.errors import EngineError, SoundError

from .decoding import UnreadableError, decoded
from .installed import module, version
from .port import Speech
from .wording import known_language, said_nothing, sayable

_EXTRA = "gtts"
_NAME = "gTTS"
_PATH = "/_/TranslateWebserverUi/data/batchexecute"
_AUDIO = re.compile(rb'"jQ1olc",("(?:[^"\\]|\\.)*")')  # a JSON string, in which there is JSON
_TIME_LIMIT = (10.0, 30.0)  # seconds to connect, and to wait for each piece of the answer
_PAUSES = (5.0, 15.0, 45.0)  # seconds before each further try
_LONGEST_PAUSE = 120.0  # seconds: a server that asks for more is not waited for
_BUSY = (429, 500, 502, 503, 504)
_ELSEWHERE = "build with another engine, or later"


@dataclass(frozen=True, slots=True)
class Gtts:
    """gTTS, with TLS checked. ``host`` is where it sends to; ``pause`` waits that many seconds.

    Behind a proxy that shows its own certificate, REQUESTS_CA_BUNDLE names the file with that
    certificate's authority; HTTPS_PROXY names the proxy.
    """

    host: str = "https://translate.google.com"
    pause: Callable[[float], object] = time.sleep

    at_once = 1  # Google counts the requests of an address
    caution = (
        "gTTS sends the sentences to Google, over a service without a promise or a contract: "
        "leave out what is confidential, and expect it to refuse after some hundred sentences."
    )

    @property
    def name(self) -> str:
        return f"{_NAME} {version(_NAME, _EXTRA)}"

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(sorted(module("gtts.lang", _EXTRA).tts_langs()))

    def speak(self, text: str, language: str) -> Speech:
        tag = known_language(language, self.languages, _NAME)
        text = sayable(text, _NAME)
        gtts = module("gtts", _EXTRA)
        try:
            bodies = gtts.gTTS(text, lang=tag, lang_check=False).get_bodies()
        except AssertionError as empty:
            raise said_nothing(_NAME, text) from empty
        import numpy as np

        parts = [self._part(body, text) for body in bodies]
        samples = np.concatenate([part.samples for part in parts])
        if not samples.any():
            raise said_nothing(_NAME, text)
        return Speech(samples, parts[0].rate)

    def _part(self, body: str, text: str) -> Speech:
        """What is said for one request; gTTS makes several of a long text."""
        found = _AUDIO.search(self._answer(body))
        try:
            mp3 = base64.b64decode(json.loads(json.loads(found[1]))[0]) if found else b""
            if mp3:
                return decoded(mp3)
            problem = "there is no sound in the answer"
        except (LookupError, TypeError, ValueError, UnreadableError) as unreadable:
            problem = f"the sound in the answer cannot be read: {unreadable}"
        raise SoundError(f"{_NAME} cannot say {text!r}: {problem}", remedy=_ELSEWHERE)

    def _answer(self, body: str) -> bytes:
        for pause in (*_PAUSES, None):
            response = self._send(body)
            if response.status_code == 200:
                content: bytes = response.content
                return content
            asked = _retry_after(response.headers.get("Retry-After"))
            if response.status_code not in _BUSY or pause is None or asked > _LONGEST_PAUSE:
                break
            self.pause(max(pause, asked))
        soon = f", and asks to wait {asked:.0f} s" if asked else ""
        raise EngineError(
            f"{_NAME}: {self.host} answers {response.status_code} {response.reason}{soon}",
            remedy=_ELSEWHERE,
        )

    def _send(self, body: str) -> Any:
        """One answer, as a ``requests.Response`` that has been read."""
        requests = module("requests", _EXTRA)
        try:
            with requests.Session() as session:
                return session.post(
                    self.host + _PATH,
                    data=body,
                    headers=module("gtts", _EXTRA).gTTS.GOOGLE_TTS_HEADERS,
                    timeout=_TIME_LIMIT,
                    allow_redirects=False,  # never to a page that asks whether we are human
                )
        except requests.exceptions.SSLError as problem:
            raise EngineError(
                f"{_NAME} does not trust the certificate of {self.host}: {_reason(problem)}",
                remedy="behind a proxy with a certificate of its own, name its authority's file "
                "in REQUESTS_CA_BUNDLE; otherwise " + _ELSEWHERE,
            ) from problem
        except requests.exceptions.RequestException as problem:
            raise EngineError(
                f"{_NAME} needs {self.host}, which cannot be reached: {_reason(problem)}",
                remedy="build with another engine, or when online",
            ) from problem


def _retry_after(value: str | None) -> float:
    """Seconds to wait, from a header with a number or a date; 0 where it says nothing."""
    try:
        if value is None or value.strip().isdecimal():
            return float(value or 0)
        wait = (parsedate_to_datetime(value) - datetime.now(timezone.utc)).total_seconds()
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, wait)


def _reason(problem: BaseException) -> str:
    """The cause at the bottom, without the layers of urllib3 around it."""
    while isinstance(inner := _inner(problem), BaseException):
        problem = inner
    return str(problem) or type(problem).__name__


def _inner(problem: BaseException) -> object:
    reason = getattr(problem, "reason", None)  # urllib3's MaxRetryError
    if isinstance(reason, BaseException):
        return reason
    return next((arg for arg in problem.args if isinstance(arg, BaseException)), None)
