"""What goes wrong between a fake Asterisk and a program, on the wire of ARI."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

#: How long an event waits for the one that is to overtake it, in seconds.
_SWAP_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong. Events are named by their type, requests by method and path with ``*`` for
    anything (``POST channels/*/answer``); behind `` #2`` only the second of them is meant.

    Events: ``late`` by so many seconds, so that others overtake them, ``lost``, ``doubled``, or
    ``swapped``, where one type comes right before the other.

    Requests: ``refused`` with a status, and not carried out, or ``unanswered``: carried out, but
    the answer never comes.

    The WebSocket: it breaks when an event of the type ``break_at``, or the n-th message, is to be
    sent: after it, or with ``break_before`` instead of it. With ``away`` every connection breaks
    then, and nobody listens for so many seconds. ``endless``: no playback ends by itself.
    """

    late: Mapping[str, float] = field(default_factory=dict)
    lost: Collection[str] = ()
    doubled: Collection[str] = ()
    swapped: Collection[tuple[str, str]] = ()
    refused: Mapping[str, int] = field(default_factory=dict)
    unanswered: Collection[str] = ()
    break_at: str | int = ""
    break_before: bool = False
    away: float = 0.0
    endless: bool = False


class Strikes:
    """Which requests a trouble is meant for; counts them."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def struck(self, request: str, trouble: Trouble) -> int | None:
        """The status with which a request (``POST channels/1/answer``) is refused, 0 where it is
        carried out and never answered, None where all is well."""
        hit = [
            each for each in (*trouble.refused, *trouble.unanswered) if self._hits(each, request)
        ]
        return trouble.refused.get(hit[0], 0) if hit else None

    def _hits(self, pattern: str, request: str) -> bool:
        which, _, number = pattern.partition(" #")
        if not fnmatchcase(request, which):
            return False
        self._seen[pattern] += 1
        return not number or self._seen[pattern] == int(number)


class Outgoing:
    """The messages of one WebSocket, on their way to the program.

    ``trouble`` is asked anew for each, ``broken`` is called where the connection is to break.
    """

    def __init__(
        self,
        trouble: Callable[[], Trouble],
        send: Callable[[str], Awaitable[None]],
        broken: Callable[[], None],
    ) -> None:
        self._trouble = trouble
        self._send = send
        self._broken = broken
        self._queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._held: tuple[str, str] | None = None
        self._sent = 0
        self._loop = asyncio.get_running_loop()

    def event(self, kind: str, text: str) -> None:
        """Send an event."""
        trouble = self._trouble()
        if kind in trouble.lost:
            return
        late = trouble.late.get(kind)
        for _ in range(2 if kind in trouble.doubled else 1):
            if late is None:
                self._pass(kind, text)
            else:
                self._loop.call_later(late, self._pass, kind, text)

    def answer(self, text: str) -> None:
        """Send the answer to a request."""
        self._queue.put_nowait(("", text))

    def _pass(self, kind: str, text: str) -> None:
        swapped = self._trouble().swapped
        held, self._held = self._held, None
        if held is not None and (held[0], kind) not in swapped:
            self._queue.put_nowait(held)
            held = None
        if held is None and any(kind == first for first, _ in swapped):
            self._held = kind, text
            self._loop.call_later(_SWAP_SECONDS, self._release, self._held)
            return
        self._queue.put_nowait((kind, text))
        if held is not None:
            self._queue.put_nowait(held)

    def _release(self, held: tuple[str, str]) -> None:
        if self._held is held:
            self._held = None
            self._queue.put_nowait(held)

    async def run(self) -> None:
        """Send what there is to send, until the connection breaks."""
        while True:
            kind, text = await self._queue.get()
            self._sent += 1
            trouble = self._trouble()
            breaks = bool(trouble.break_at) and trouble.break_at in (kind, self._sent)
            if not (breaks and trouble.break_before):
                await self._send(text)
            if breaks:
                self._broken()
                return
