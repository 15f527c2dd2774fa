"""A SIP telephone for rehearsals, on the loopback interface: it calls, answers, talks and records.

    with Phone("127.0.0.2", number="+33612345678") as caller:
        call = caller.call("100", asterisk.sip_address)
        call.wait_for("answered", timeout=10)
        ...
        call.hang_up()
        call.recording().save(Path("heard.wav"))

A phone is as plain as the cheapest one on a desk: UDP, G.711, no registration, no authentication,
no reliable provisional answers (100rel), no proxies; it can hold and transfer. It runs an event
loop in a thread of its own; what a test asks of it is handed to that thread, and what happens is
awaited with ``wait_for``.

Every call keeps its *moments* (``answered``, ``ended``…), the *timeline* of the SIP messages that
were sent and received, and a recording of what was heard, all on one clock that starts at the
INVITE.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import threading
import time
from array import array
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, TypeVar
from urllib.parse import quote

from callcentre_disclosure.errors import DisclosureError
from callcentre_disclosure.testing.g711 import PCMA, PCMU, Codec
from callcentre_disclosure.testing.recording import Recording
from callcentre_disclosure.testing.rtp import TELEPHONE_EVENT, Media, lay_out
from callcentre_disclosure.testing.sounds import pause, tone

Address = tuple[str, int]

Moment = Literal[
    "ringing", "early-media", "answered", "audio", "digit", "message", "transferred", "ended"
]
"""What can be waited for:

``ringing``      180 was received or sent
``early-media``  183, or 180, came with an audio address before the answer
``answered``     200 was received or sent
``audio``        the first audio packet came
``digit``        the first DTMF digit came (RFC 4733)
``message``      the first in-dialog MESSAGE came
``transferred``  it is known what became of a transfer that this side asked for
``ended``        BYE, CANCEL or a refusal, from either side
"""

Play = int | Path | None
"""What a phone says: a tone in Hz for ever, a WAV file (8 kHz, 16 bit, mono) once, or silence."""

_T1 = 0.5
_T2 = 4.0
_GIVE_UP = 32.0
_USER_AGENT = "callcentre-disclosure rehearsal"
_ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, MESSAGE, INFO, NOTIFY"
_COPIED = {"via", "from", "to", "call-id", "cseq"}
_COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
}
_REASONS = {
    180: "Ringing",
    200: "OK",
    405: "Method Not Allowed",
    415: "Unsupported Media Type",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    501: "Not Implemented",
    603: "Decline",
}
_Result = TypeVar("_Result")


class CallFailed(DisclosureError):
    """What a call waited for did not happen; says what happened instead."""


@dataclass(frozen=True)
class Message:
    """A SIP request or response. Header names are lower case."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Message:
        """Raises ``ValueError`` for what is no SIP."""
        head, _, body = data.decode("utf-8", errors="replace").partition("\r\n\r\n")
        start, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        if not start.endswith("SIP/2.0") and not start.startswith("SIP/2.0 "):
            raise ValueError(f"no SIP: {start[:40]!r}")
        headers = []
        for line in lines:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            headers.append((_COMPACT.get(name, name), value.strip()))
        return cls(start, tuple(headers), body)

    def encode(self) -> bytes:
        body = self.body.encode()
        lines = [self.start, *(f"{name.title()}: {value}" for name, value in self.headers)]
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def get(self, name: str) -> str:
        """The first header of this name, or an empty string."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def status(self) -> int:
        """The status of a response; 0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """The request's method, or that of the request which is answered."""
        return self.get("cseq").split()[-1] if self.status else self.start.split()[0]

    @property
    def branch(self) -> str:
        return _parameter(self.get("via"), "branch")

    @property
    def summary(self) -> str:
        """``INVITE`` or ``180 Ringing``."""
        return self.start.removeprefix("SIP/2.0 ") if self.status else self.method


@dataclass(frozen=True)
class Event:
    """A SIP message in a call's timeline."""

    at: float
    """Seconds after the call's INVITE."""
    sent: bool
    what: str

    def __str__(self) -> str:
        return f"{self.at:7.3f} {'->' if self.sent else '<-'} {self.what}"


@dataclass(frozen=True)
class Ending:
    """How a call ended."""

    by_us: bool
    """Whether this phone ended it."""
    status: int
    """The final SIP status of a call that was not answered; 200 for one that was."""
    cause: int | None
    """The Q.850 cause in the ``Reason`` header: 16 normal, 17 busy, 19 no answer…"""


@dataclass(frozen=True)
class TextMessage:
    """The text of a MESSAGE, and when it came: in seconds after the INVITE of its call or, of one
    that belongs to no call, on the clock of ``time.monotonic``."""

    at: float
    text: str


class Phone:
    """A telephone on a UDP port of a loopback address.

    ``answer_after`` is how long it rings, in seconds, before a call is answered; with ``None`` it
    rings until the caller gives up or the test answers it. ``reject`` is the SIP status with which
    calls are refused: 486 is busy. Both may be changed at any time, and count for the calls that
    come after. ``refuse_messages`` is the status with which each MESSAGE is refused; 0
    leaves it without any answer. ``allow`` is the ``Allow`` header: what the phone says it takes,
    which need not be what it does.
    """

    def __init__(
        self,
        address: str = "127.0.0.1",
        port: int = 0,
        *,
        number: str = "phone",
        answer_after: float | None = 0.0,
        reject: int | None = None,
        refuse_messages: int | None = None,
        allow: str = _ALLOW,
        play: Play = None,
        codecs: Sequence[Codec] = (PCMU, PCMA),
    ) -> None:
        self.number = number
        self.answer_after = answer_after
        self.reject = reject
        self.refuse_messages = refuse_messages
        self.messages: list[TextMessage] = []
        self.allow = allow
        self.codecs = tuple(codecs)
        self.sound, self.sound_loops = _sound(play)
        self.calls: list[Call] = []
        """Every call so far, made and received, in order."""
        self.changed = threading.Condition()
        self._taken = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name=f"phone {number}", daemon=True
        )
        self._thread.start()
        try:
            self.line = self.perform(lambda: _Line(self, address, port))
        except BaseException:
            self._end_loop()
            raise
        self.address: Address = self.line.address

    @property
    def port(self) -> int:
        """The UDP port on which it is called."""
        return self.address[1]

    def call(self, number: str, server: Address, *, caller_id: str | None = None) -> Call:
        """Calls a number of a server; returns at once. ``caller_id`` stands in for ``number``."""
        own_uri = f"sip:{caller_id or self.number}@{self.address[0]}:{self.port}"
        their_uri = f"sip:{number}@{server[0]}:{server[1]}"

        def dial() -> Call:
            call = Call(self, server, own_uri=own_uri, their_uri=their_uri)
            call.invite()
            return call

        return self.perform(dial)

    def next_call(self, timeout: float = 10.0) -> Call:
        """The next call that comes in, or came in since this was last asked.

        Raises ``CallFailed`` where none comes within ``timeout`` seconds.
        """
        with self.changed:
            came = self.changed.wait_for(lambda: len(self._incoming()) > self._taken, timeout)
            if not came:
                raise CallFailed(f"no call came within {timeout} s", where=self._thread.name)
            self._taken += 1
            return self._incoming()[self._taken - 1]

    def _incoming(self) -> list[Call]:
        return [call for call in self.calls if call.incoming]

    def perform(self, work: Callable[[], _Result]) -> _Result:
        """Has the phone's own thread do something, and waits for it."""
        future: Future[_Result] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return future.result(_GIVE_UP)

    def close(self) -> None:
        """Ends what calls there still are, and lets go of every port."""
        if self._loop.is_closed():
            return
        self.perform(self.line.end_calls)
        with self.changed:  # what was said last (BYE, CANCEL) has a moment to be answered
            self.changed.wait_for(lambda: not self.line.unanswered, 1.0)
        self.perform(self.line.close)
        self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Phone:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Line:
    """The phone's SIP port: sends again what is not answered, hands each message to its call."""

    def __init__(self, phone: Phone, address: str, port: int) -> None:
        self.unanswered: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._phone = phone
        self._answers: dict[tuple[str, str], bytes] = {}
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind((address, port))
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._receive)
        self.address: Address = self._socket.getsockname()

    def end_calls(self) -> None:
        for call in self._phone.calls:
            call.end()

    def close(self) -> None:
        for timer in self.unanswered.values():
            timer.cancel()
        self.unanswered.clear()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    # -- out -----------------------------------------------------------------------------------

    def send(self, message: Message, to: Address) -> None:
        data = message.encode()
        if message.status:
            self._answers[message.branch, message.method] = data
        self._send(data, to)

    def send_until_answered(self, message: Message, to: Address) -> None:
        """Sends a request, or the 200 of an INVITE, again and again until ``answered``."""
        self.send(message, to)
        deadline = time.monotonic() + _GIVE_UP
        key = (message.branch, message.method)

        def again(interval: float) -> None:
            self._send(message.encode(), to)
            later(min(interval * 2, _T2))

        def later(interval: float) -> None:
            if time.monotonic() < deadline:
                self.unanswered[key] = self._loop.call_later(interval, again, interval)
            else:
                self.answered(*key)

        later(_T1)

    def answered(self, branch: str, method: str) -> None:
        """A request, or a 200, need not be sent again."""
        timer = self.unanswered.pop((branch, method), None)
        if timer is not None:
            timer.cancel()
            with self._phone.changed:
                self._phone.changed.notify_all()

    def _send(self, data: bytes, to: Address) -> None:
        with suppress(OSError):  # nobody listens there: the call times out
            self._socket.sendto(data, to)

    # -- in ------------------------------------------------------------------------------------

    def _receive(self) -> None:
        try:
            data, sender = self._socket.recvfrom(65535)
            message = Message.parse(data)
        except (OSError, ValueError):  # a port that is closed over there; a keep-alive
            return
        call_id = message.get("call-id")
        call = next((call for call in self._phone.calls if call.call_id == call_id), None)
        if message.status:
            self.answered(message.branch, message.method)
            if call is not None:
                call.on_response(message)
            return
        before = self._answers.get((message.branch, message.method))
        if before is not None:
            self._send(before, sender)
        elif call is not None:
            call.on_request(message)
        elif message.method == "INVITE":
            Call(self._phone, sender, invite=message).ring()
        elif message.method == "MESSAGE":
            self._read(message, sender)
        elif message.method != "ACK":
            status = 200 if message.method == "OPTIONS" else 481
            self.send(reply(message, status), sender)

    def _read(self, message: Message, sender: Address) -> None:
        """A MESSAGE that belongs to no call."""
        refused = self._phone.refuse_messages
        if refused is None:
            self._phone.messages.append(TextMessage(time.monotonic(), message.body))
        if refused != 0:
            self.send(reply(message, refused or 200), sender)


class Call:
    """A call that a phone made or received. All times are in seconds after its INVITE."""

    def __init__(
        self,
        phone: Phone,
        peer: Address,
        *,
        own_uri: str = "",
        their_uri: str = "",
        invite: Message | None = None,
    ) -> None:
        self.incoming = invite is not None
        self.t0 = time.monotonic()
        """The moment of the INVITE, by ``time.monotonic()``."""
        self.timeline: list[Event] = []
        self.messages: list[TextMessage] = []
        self.digits = ""
        """The DTMF digits that came in."""
        self.ending: Ending | None = None
        """How the call ended; ``None`` while it lasts."""
        self.transferred: int | None = None
        """The final status of a transfer that this side asked for: 200, or why it failed."""
        self._phone = phone
        self._line = phone.line
        self._peer = peer
        self._moments: dict[Moment, float] = {}
        self._ended_at = 0.0
        self._cseq = 0
        self._media = Media(phone.address[0], lambda: self._happened("audio"), self._on_digit)
        self._media.play(phone.sound, loops=phone.sound_loops)
        self._codec = phone.codecs[0]
        self._invite: Message
        self._again: Message | None = None
        self._version = 1
        self._direction = "sendrecv"
        self._tag = secrets.token_hex(4)
        self._cancel_awaits_answer = False
        if invite is None:
            self.call_id = f"{secrets.token_hex(8)}@{phone.address[0]}"
            self._own = f"<{own_uri}>;tag={self._tag}"
            self._theirs = f"<{their_uri}>"
            self._target = their_uri
        else:
            self.call_id = invite.get("call-id")
            self._own = f"{invite.get('to')};tag={self._tag}"
            self._theirs = invite.get("from")
            self._target = _uri(invite.get("contact") or invite.get("from"))
            self._invite = invite
            self._received(invite)
        with phone.changed:
            phone.calls.append(self)
            phone.changed.notify_all()

    # -- for tests -----------------------------------------------------------------------------

    @property
    def number(self) -> str:
        """The number that was called."""
        return _user(self._own if self.incoming else self._theirs)

    @property
    def caller_id(self) -> str:
        """The number of the caller."""
        return _user(self._theirs if self.incoming else self._own)

    def when(self, moment: Moment) -> float | None:
        """When something happened, or ``None`` where it has not."""
        return self._moments.get(moment)

    def wait_for(self, moment: Moment, timeout: float = 10.0) -> float:
        """Waits until something happens, or has happened, and says when.

        Raises ``CallFailed``, with the call's timeline, where it does not happen within
        ``timeout`` seconds, or cannot happen any more because the call has ended.
        """
        changed = self._phone.changed
        with changed:
            changed.wait_for(lambda: moment in self._moments or self.ending is not None, timeout)
            if moment in self._moments:
                return self._moments[moment]
        instead = f"ended ({self.ending})" if self.ending else f"nothing within {timeout} s"
        lines = "\n".join(map(str, self.timeline))
        raise CallFailed(f"{moment} awaited, but {instead}\n{lines}", where=str(self))

    def wait_until(self, seconds: float) -> None:
        """Lets the call go on until this time of its own clock, or until it ends."""
        changed = self._phone.changed
        with changed:
            remaining = self.t0 + seconds - time.monotonic()
            changed.wait_for(lambda: self.ending is not None, max(remaining, 0.0))

    def answer(self) -> None:
        """Picks up a call that rings."""
        self._phone.perform(self._answer)

    def hang_up(self) -> None:
        """Ends the call, in whatever state it is: BYE, CANCEL or a refusal."""
        self._phone.perform(self.end)

    def send_dtmf(self, digits: str, *, duration: float = 0.12) -> None:
        """Presses keys, each for ``duration`` seconds; returns when the last was sent."""
        sent = threading.Event()
        media = self._media
        self._phone.perform(lambda: media.press(digits, duration, sent.set))
        sent.wait(_GIVE_UP)

    def play(self, play: Play) -> None:
        """Says something else from now on."""
        sound, loops = _sound(play)
        self._phone.perform(lambda: self._media.play(sound, loops=loops))

    def hold(self) -> None:
        """Puts the other side on hold, which makes a server play its music."""
        self._phone.perform(lambda: self._invite_again("sendonly"))

    def resume(self) -> None:
        """Takes the other side back from hold."""
        self._phone.perform(lambda: self._invite_again("sendrecv"))

    def transfer(self, to: str | Call) -> None:
        """Asks the server to connect the other side to a number (blind transfer) or to the other
        side of another call of this phone (attended transfer). Returns at once; ``transferred``
        comes with the result, and where that is a success, this side hangs up.
        """
        if isinstance(to, Call):
            tags = f"to-tag={_parameter(to._theirs, 'tag')};from-tag={to._tag}"
            where = f"{to._target}?Replaces={quote(f'{to.call_id};{tags}', safe='')}"
        else:
            where = f"sip:{to}@{self._peer[0]}:{self._peer[1]}"
        headers = (("refer-to", f"<{where}>"), ("referred-by", f"<{_uri(self._own)}>"))
        self._phone.perform(
            lambda: self._transmit(self._request("REFER", more=headers), until_answered=True)
        )

    def arrivals(self) -> list[float]:
        """When each audio packet came."""
        return [packet.arrived - self.t0 for packet in list(self._media.packets)]

    def recording(self) -> Recording:
        """What was heard so far, from the INVITE to the end of the call."""
        until = self._ended_at or time.monotonic()
        return Recording(lay_out(list(self._media.packets), self.t0, until), self.t0)

    def __str__(self) -> str:
        return f"{self.caller_id} -> {self.number}"

    # -- calling -------------------------------------------------------------------------------

    def invite(self) -> None:
        self._invite = self._request("INVITE", self._describe(self._phone.codecs))
        self._transmit(self._invite, until_answered=True)

    def on_response(self, response: Message) -> None:
        self._received(response)
        status = response.status
        if response.method == "INVITE":
            self._on_invite_response(response, status)
        elif response.method == "BYE":
            self._happened("ended")
        elif response.method == "REFER" and status >= 300:
            self._transfer_ended(status)

    def _on_invite_response(self, response: Message, status: int) -> None:
        if self._again is not None and response.branch == self._again.branch:
            self._on_second_invite_response(response, self._again)
        elif status == 100:
            pass
        elif status < 200:
            self._theirs = response.get("to")
            if status == 180:
                self._happened("ringing")
            if response.body:
                self._start_media(response)
                self._happened("early-media")
        elif status < 300:
            self._theirs = response.get("to")
            self._target = _uri(response.get("contact")) or self._target
            self._transmit(self._request("ACK", cseq=response.get("cseq").split()[0]))
            if "answered" not in self._moments:
                self._start_media(response)
                self._happened("answered")
            if self.ending is not None:
                self._transmit(self._request("BYE"), until_answered=True)
        else:
            self._transmit(self._same_transaction("ACK", to=response.get("to")))
            self._end(Ending(False, status, _cause(response)))
        if self._cancel_awaits_answer and status < 200:
            self._cancel()

    def _invite_again(self, direction: str) -> None:
        self._direction = direction
        self._version += 1
        self._again = self._request("INVITE", self._describe([self._codec]))
        self._transmit(self._again, until_answered=True)

    def _on_second_invite_response(self, response: Message, invite: Message) -> None:
        if 200 <= response.status < 300:
            self._transmit(self._request("ACK", cseq=response.get("cseq").split()[0]))
            self._start_media(response)
        elif response.status >= 300:  # as before, then
            self._transmit(self._same_transaction("ACK", to=response.get("to"), of=invite))

    def _cancel(self) -> None:
        self._cancel_awaits_answer = False
        self._transmit(
            self._same_transaction("CANCEL", to=self._invite.get("to")), until_answered=True
        )

    # -- being called --------------------------------------------------------------------------

    def ring(self) -> None:
        phone = self._phone
        if phone.reject is not None:
            self._reply(self._invite, phone.reject)
            self._end(Ending(True, phone.reject, None))
            return
        self._reply(self._invite, 180)
        self._happened("ringing")
        if phone.answer_after is not None:
            asyncio.get_running_loop().call_later(phone.answer_after, self._answer)

    def _answer(self) -> None:
        if "answered" in self._moments or self.ending is not None:
            return
        self._codec = self._law_of(self._invite)
        self._reply(self._invite, 200, self._describe([self._codec]), until_answered=True)
        self._happened("answered")
        self._start_media(self._invite)

    def on_request(self, request: Message) -> None:
        method = request.method
        if method == "INVITE" and request.branch == self._invite.branch:
            return  # sent again
        self._received(request)
        if method == "ACK":
            self._line.answered(self._invite.branch, "INVITE")
        elif method == "BYE":
            self._reply(request, 200)
            self._end(Ending(False, 200, _cause(request)))
        elif method == "CANCEL":
            self._reply(request, 200)
            if "answered" not in self._moments:
                self._reply(self._invite, 487)
                self._end(Ending(False, 487, _cause(request)))
        elif method in ("INVITE", "UPDATE"):
            if request.body:
                self._start_media(request)
            wants_audio = request.body or method == "INVITE"
            self._reply(request, 200, self._describe([self._codec]) if wants_audio else "")
        elif method == "MESSAGE" and self._phone.refuse_messages is not None:
            if self._phone.refuse_messages:
                self._reply(request, self._phone.refuse_messages)
        elif method == "MESSAGE":
            self._reply(request, 200)
            self.messages.append(TextMessage(time.monotonic() - self.t0, request.body))
            self._happened("message")
        elif method in ("OPTIONS", "INFO", "NOTIFY"):
            self._reply(request, 200)
            progress = re.match(r"SIP/2\.0 ([2-6]\d\d)", request.body)
            if method == "NOTIFY" and progress is not None:
                self._transfer_ended(int(progress[1]))
        else:
            self._reply(request, 501)

    def _transfer_ended(self, status: int) -> None:
        self.transferred = status
        self._happened("transferred")
        if status < 300:
            self.end()

    # -- ending --------------------------------------------------------------------------------

    def end(self) -> None:
        if self.ending is not None:
            return
        if "answered" in self._moments:
            self._transmit(self._request("BYE"), until_answered=True)
            self._end(Ending(True, 200, None))
        elif self.incoming:
            self._reply(self._invite, 603)
            self._end(Ending(True, 603, None))
        elif any(not event.sent for event in self.timeline):
            self._cancel()
            self._end(Ending(True, 487, None))
        else:
            self._cancel_awaits_answer = (
                True  # a request may be cancelled once it was answered at all
            )
            self._end(Ending(True, 487, None))

    def _end(self, ending: Ending) -> None:
        if self.ending is None:
            self._ended_at = time.monotonic()
            self._media.close()  # who waits for the end finds all that was heard
            self.ending = ending
            self._happened("ended")

    # -- what both sides of a call need --------------------------------------------------------

    def _happened(self, moment: Moment) -> None:
        with self._phone.changed:
            self._moments.setdefault(moment, time.monotonic() - self.t0)
            self._phone.changed.notify_all()

    def _on_digit(self, digit: str) -> None:
        self.digits += digit
        self._happened("digit")

    def _received(self, message: Message) -> None:
        self.timeline.append(Event(time.monotonic() - self.t0, False, message.summary))

    def _transmit(self, message: Message, *, until_answered: bool = False) -> None:
        self.timeline.append(Event(time.monotonic() - self.t0, True, message.summary))
        send = self._line.send_until_answered if until_answered else self._line.send
        send(message, self._peer)

    def _reply(
        self, request: Message, status: int, body: str = "", *, until_answered: bool = False
    ) -> None:
        answer = reply(
            request,
            status,
            tag=self._tag,
            contact=self._contact,
            allow=self._phone.allow,
            body=body,
        )
        self._transmit(answer, until_answered=until_answered)

    def _request(
        self,
        method: str,
        body: str = "",
        *,
        cseq: str = "",
        more: tuple[tuple[str, str], ...] = (),
    ) -> Message:
        if not cseq:
            self._cseq += 1
        host, port = self._phone.address
        headers = [
            ("via", f"SIP/2.0/UDP {host}:{port};branch=z9hG4bK{secrets.token_hex(8)};rport"),
            ("max-forwards", "70"),
            ("from", self._own),
            ("to", self._theirs),
            ("call-id", self.call_id),
            ("cseq", f"{cseq or self._cseq} {method}"),
            ("contact", self._contact),
            ("allow", self._phone.allow),
            ("user-agent", _USER_AGENT),
            *more,
        ]
        if body:
            headers.append(("content-type", "application/sdp"))
        return Message(f"{method} {self._target} SIP/2.0", tuple(headers), body)

    def _same_transaction(self, method: str, *, to: str, of: Message | None = None) -> Message:
        """The CANCEL of an INVITE, or the ACK of its refusal."""
        invite = of or self._invite
        number = invite.get("cseq").split()[0]
        headers = {name: invite.get(name) for name in ("via", "max-forwards", "from", "call-id")}
        headers |= {"to": to, "cseq": f"{number} {method}"}
        return Message(invite.start.replace("INVITE", method, 1), tuple(headers.items()))

    @property
    def _contact(self) -> str:
        host, port = self._phone.address
        return f"<sip:{self._phone.number}@{host}:{port}>"

    def _describe(self, codecs: Sequence[Codec]) -> str:
        """SDP: where this phone listens, and in which laws."""
        types = [codec.payload_type for codec in codecs]
        lines = [
            "v=0",
            f"o=- {int(self._tag, 16)} {self._version} IN IP4 {self._phone.address[0]}",
            "s=-",
            f"c=IN IP4 {self._phone.address[0]}",
            "t=0 0",
            f"m=audio {self._media.port} RTP/AVP {' '.join(map(str, [*types, TELEPHONE_EVENT]))}",
            *(f"a=rtpmap:{codec.payload_type} {codec.name}/8000" for codec in codecs),
            f"a=rtpmap:{TELEPHONE_EVENT} telephone-event/8000",
            f"a=fmtp:{TELEPHONE_EVENT} 0-16",
            "a=ptime:20",
            f"a={self._direction}",
        ]
        return "".join(f"{line}\r\n" for line in lines)

    def _law_of(self, message: Message) -> Codec:
        """The first of this phone's laws that a message's SDP has."""
        audio = re.search(r"(?m)^m=audio \d+ RTP/AVP ([\d ]+)", message.body)
        offered = {int(kind) for kind in audio[1].split()} if audio else set()
        ours = self._phone.codecs
        return next((codec for codec in ours if codec.payload_type in offered), self._codec)

    def _start_media(self, message: Message) -> None:
        """Talks to where a message's SDP says the other side listens."""
        host = re.search(r"(?m)^c=IN IP4 (\S+)", message.body)
        port = re.search(r"(?m)^m=audio (\d+)", message.body)
        if host is not None and port is not None and self.ending is None:
            self._codec = self._law_of(message)
            self._media.send_to((host[1], int(port[1])), self._codec)


def reply(
    request: Message,
    status: int,
    *,
    tag: str = "phone",
    contact: str = "",
    allow: str = _ALLOW,
    body: str = "",
) -> Message:
    """The response to a request: as the request was, with a tag of ours."""
    copied = [(name, value) for name, value in request.headers if name in _COPIED]
    headers = [
        (name, f"{value};tag={tag}" if name == "to" and not _parameter(value, "tag") else value)
        for name, value in copied
    ]
    headers += [("allow", allow), ("user-agent", _USER_AGENT)]
    if contact:
        headers.append(("contact", contact))
    if body:
        headers.append(("content-type", "application/sdp"))
    return Message(f"SIP/2.0 {status} {_REASONS.get(status, 'Refused')}", tuple(headers), body)


def _sound(play: Play) -> tuple[array[int], bool]:
    """The samples that are said, and whether again and again."""
    if play is None:
        return pause(0), False
    if isinstance(play, int):
        return tone(play, 1.0), True
    return Recording.load(play).samples, False


def _uri(value: str) -> str:
    """The address in a Contact, From or To header."""
    found = re.search(r"<([^>]+)>", value)
    return found[1] if found else value.partition(";")[0].strip()


def _user(value: str) -> str:
    """The number in a From or To header."""
    return _uri(value).removeprefix("sip:").partition("@")[0].partition(";")[0]


def _parameter(value: str, name: str) -> str:
    found = re.search(rf";\s*{name}=([^;,\s]+)", value)
    return found[1] if found else ""


def _cause(message: Message) -> int | None:
    found = re.search(r"Q\.850\s*;\s*cause\s*=\s*(\d+)", message.get("reason"), re.IGNORECASE)
    return int(found[1]) if found else None
