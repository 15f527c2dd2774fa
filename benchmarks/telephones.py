"""Telephones by the hundred, on one event loop.

``testing.sip`` has the telephone that a test needs, with a thread of its own and a recording of
what it hears. Of these a packet is recognised as it comes, and its time is the one at which the
kernel got it, however late we read it. All telephones of an address share one SIP port, and speak
µ-law over UDP, without authentication.

Times are those of ``time.time()``, in seconds.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress

from callcentre_disclosure.testing.g711 import PCMU
from callcentre_disclosure.testing.rtp import FRAME
from callcentre_disclosure.testing.sip import Address, Message, reply

from .ears import Ear, Frame

#: What a telephone sends that says nothing.
SILENCE = PCMU.encode([0] * FRAME)

_T1, _T2, _GIVE_UP = 0.5, 4.0, 16.0
#: Answers that are given again when their request comes again.
_REMEMBERED = 4000
_FRAME_SECONDS = 0.02
#: Of what is late by more than this, only the end is sent.
_BURST_SECONDS = 0.1
_HEADER = struct.Struct("!BBHII")
_TIMESTAMP = struct.Struct("@qq")
#: Linux: <asm-generic/socket.h>. Python has no name for it.
_SO_TIMESTAMPNS = 35


class Telephones:
    """All telephones of an address.

    ``on_call`` is told of each call that comes in, which rings already. With ``listens=False``
    nobody pays attention to what these telephones hear, which is cheaper.
    """

    def __init__(
        self,
        ear: Ear,
        address: str = "127.0.0.1",
        port: int = 0,
        *,
        on_call: Callable[[Call], None] | None = None,
        listens: bool = True,
    ) -> None:
        self.ear = ear
        self.listens = listens
        self.calls: dict[str, Call] = {}
        """The calls that are not over, and those whose end is not acknowledged, by Call-ID."""
        self.talking: set[Call] = set()
        self.sent = 0.0
        """When the last message was sent."""
        self._on_call = on_call
        self._loop = asyncio.get_running_loop()
        self._answers: dict[tuple[str, str], bytes] = {}
        self._unanswered: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)
        self._socket.bind((address, port))
        self.address: Address = self._socket.getsockname()
        self._loop.add_reader(self._socket, self._receive)
        self._next_tick = self._loop.time()
        self._ticking = self._loop.call_soon(self._tick)

    def dial(self, number: str, server: Address, *, caller_id: str) -> Call:
        """Call a number of a server."""
        call = Call(self, server, f"sip:{caller_id}@{self._host}", f"sip:{number}@{server[0]}")
        call.invite()
        return call

    def drop(self) -> None:
        """The server has died: every call is over, and nobody says goodbye."""
        for timer in self._unanswered.values():
            timer.cancel()
        self._unanswered.clear()
        for call in list(self.calls.values()):
            call.cut_off()

    def close(self) -> None:
        """Let go of every port; calls that there still are just stop."""
        self.drop()
        self._ticking.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    @property
    def _host(self) -> str:
        return f"{self.address[0]}:{self.address[1]}"

    # -- SIP -----------------------------------------------------------------------------------

    def send(self, message: Message, to: Address) -> None:
        """Send a message once. A response is sent again when its request comes again."""
        data = message.encode()
        if message.status:
            self._answers[message.branch, message.method] = data
            if len(self._answers) > _REMEMBERED:
                del self._answers[next(iter(self._answers))]
        self._send(data, to)

    def send_until_answered(self, message: Message, to: Address) -> None:
        """Send a request, or the 200 of an INVITE, until ``answered`` is told."""
        self.send(message, to)
        data, key = message.encode(), (message.branch, message.method)

        def again(interval: float, elapsed: float) -> None:
            self._send(data, to)
            later(min(interval * 2, _T2), elapsed + interval)

        def later(interval: float, elapsed: float) -> None:
            if elapsed > _GIVE_UP:
                self._unanswered.pop(key, None)
            else:
                timer = self._loop.call_later(interval, again, interval, elapsed)
                self._unanswered[key] = timer

        later(_T1, 0.0)

    def answered(self, branch: str, method: str) -> None:
        """A message need not be sent again."""
        if timer := self._unanswered.pop((branch, method), None):
            timer.cancel()

    def _send(self, data: bytes, to: Address) -> None:
        self.sent = time.time()
        with suppress(OSError):
            self._socket.sendto(data, to)

    def _receive(self) -> None:
        with suppress(BlockingIOError):
            while True:
                data, sender = self._socket.recvfrom(65535)
                with suppress(ValueError):
                    self._heed(Message.parse(data), sender)

    def _heed(self, message: Message, sender: Address) -> None:
        call = self.calls.get(message.get("call-id"))
        if message.status:
            self.answered(message.branch, message.method)
            if call:
                call.on_response(message)
        elif before := self._answers.get((message.branch, message.method)):
            self._send(before, sender)
        elif call:
            call.on_request(message)
        elif message.method == "INVITE" and self._on_call:
            call = Call(self, sender, message.get("to"), message.get("from"), message)
            call.say(180)
            self._on_call(call)
        elif message.method != "ACK":
            status = 200 if message.method == "OPTIONS" else 481
            self.send(reply(message, status), sender)

    # -- sound ---------------------------------------------------------------------------------

    def moment(self, after: float, phase: float) -> float:
        """The first moment of the event loop's clock so many seconds from now that is a certain
        share (0 to 1) of the time between two packets of all these telephones."""
        wanted = self._loop.time() + after - self._next_tick - phase * _FRAME_SECONDS
        return self._loop.time() + after + -wanted % _FRAME_SECONDS

    def _tick(self) -> None:
        now = self._loop.time()
        self._next_tick = max(self._next_tick, now - _BURST_SECONDS)
        while self._next_tick <= now:
            for call in self.talking:
                call.talk()
            self._next_tick += _FRAME_SECONDS
        self._ticking = self._loop.call_at(self._next_tick, self._tick)


class Call:
    """One call of a telephone, made or received.

    ``moments`` are when something happened first: ``invited``, ``ringing``, ``early-media``,
    ``answered``, ``ended``, and the first packet of each sound or voice, by its name. ``heard`` is
    every audible packet and when it came. ``says`` is the packet that is sent every 20 ms.
    """

    def __init__(
        self,
        telephones: Telephones,
        peer: Address,
        own: str,
        theirs: str,
        invite: Message | None = None,
    ) -> None:
        self.moments: dict[str, float] = {"invited": time.time()}
        self.heard: list[tuple[float, Frame]] = []
        self.lost = 0
        """How many packets never came."""
        self.by_us = False
        """Whether this side ended it."""
        self.was_cut_off = False
        self.status = 0
        """The final status of a call that was refused; 200 where it was answered."""
        self.says: bytes | None = None
        self._telephones = telephones
        self._peer = peer
        self._tag = secrets.token_hex(4)
        self._watchers: list[asyncio.Future[None]] = []
        self._cseq = 0
        self._cancel_at_response = False
        self._remote: Address | None = None
        self._source, self._sequence, self._timestamp = secrets.randbits(32), 0, 0
        self._their_source = self._their_sequence = 0
        self._rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._rtp.setblocking(False)
        self._rtp.bind((telephones.address[0], 0))
        if telephones.listens:
            self._rtp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            asyncio.get_running_loop().add_reader(self._rtp, self._listen)
        if invite is None:
            self.call_id = f"{secrets.token_hex(8)}@{telephones.address[0]}"
            self.number = _user(theirs)
            self._own, self._theirs = f"<{own}>;tag={self._tag}", f"<{theirs}>"
            self._target = theirs
            self._invite = Message("", ())
        else:
            self.call_id = invite.get("call-id")
            self.number = _user(own)
            self._own, self._theirs = f"{own};tag={self._tag}", theirs
            self._target = _uri(invite.get("contact"))
            self._invite = invite
        self.incoming = invite is not None
        self.other = _user(self._theirs)
        """The number on the other side."""
        telephones.calls[self.call_id] = self

    def __str__(self) -> str:
        return f"{self.other} -> {self.number}" if self.incoming else f"-> {self.number}"

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return "ended" in self.moments

    async def until(self, *moments: str) -> bool:
        """Wait until one of some things has happened; False where the call ended before."""
        while not any(moment in self.moments for moment in moments):
            if self.over:
                return False
            change = asyncio.get_running_loop().create_future()
            self._watchers.append(change)
            await change
        return True

    def answer(self) -> None:
        """Pick up, if it still rings, and begin to talk."""
        if "answered" in self.moments or self.over:
            return
        self.say(200, self._describe(), until_answered=True)
        self._happened("answered", self._telephones.sent)
        self._talk_to(self._invite)

    def refuse(self, status: int) -> None:
        """Be busy (486), or the like."""
        if not self.over and "answered" not in self.moments:
            self.say(status)
            self._end(by_us=True, status=status)

    def hang_up(self) -> None:
        """End it, in whatever state it is."""
        if self.over:
            return
        if "answered" in self.moments:
            self._transmit(self._request("BYE"), until_answered=True)
            self._end(by_us=True, status=200)
        elif self.incoming:
            self.refuse(603)
        else:
            self._cancel_at_response = not self.moments.keys() & {"ringing", "trying"}
            if not self._cancel_at_response:
                self._cancel()
            self._end(by_us=True, status=487)

    def cut_off(self) -> None:
        """The other side is no more."""
        self.was_cut_off = self.was_cut_off or not self.over
        self._end(by_us=False, status=0)
        self._telephones.calls.pop(self.call_id, None)

    # -- SIP -----------------------------------------------------------------------------------

    def invite(self) -> None:
        """Begin the call."""
        self._invite = self._request("INVITE", self._describe())
        self._transmit(self._invite, until_answered=True)

    def say(self, status: int, body: str = "", *, until_answered: bool = False) -> None:
        """Respond to the INVITE."""
        contact = f"<sip:{self.number}@{self._telephones._host}>"
        answer = reply(self._invite, status, tag=self._tag, contact=contact, body=body)
        self._transmit(answer, until_answered=until_answered)

    def on_response(self, response: Message) -> None:
        status = response.status
        if response.method == "BYE" or (response.method == "CANCEL" and status >= 300):
            self._forget()
        if response.method != "INVITE":
            return
        self._happened("trying")
        if self._cancel_at_response and status < 200:
            self._cancel_at_response = False
            self._cancel()
        if 100 < status < 300:
            self._theirs = response.get("to")
            if response.body and not self.over:
                if status < 200:
                    self._happened("early-media")
                self._talk_to(response)
        if status == 180:
            self._happened("ringing")
        elif 200 <= status < 300:
            self._target = _uri(response.get("contact"))
            cseq = int(response.get("cseq").split()[0])
            self._transmit(self._request("ACK", cseq=cseq))
            if self.over:  # hung up while the answer was on its way
                self._transmit(self._request("BYE"), until_answered=True)
            else:
                self._happened("answered")
        elif status >= 300:
            self._transmit(self._same_transaction("ACK", to=response.get("to")))
            self._end(by_us=False, status=status)
            self._forget()

    def on_request(self, request: Message) -> None:
        method = request.method
        if method == "ACK":
            self._telephones.answered(self._invite.branch, "INVITE")
            self._forget()
            return
        known = method in ("BYE", "CANCEL", "INVITE", "UPDATE", "OPTIONS", "INFO", "NOTIFY")
        body = self._describe() if method == "INVITE" or request.body else ""
        contact = f"<sip:{self.number}@{self._telephones._host}>"
        answer = reply(request, 200 if known else 501, tag=self._tag, contact=contact, body=body)
        self._transmit(answer)
        if method == "BYE":
            self._end(by_us=False, status=200)
            self._forget()
        elif method == "CANCEL" and "answered" not in self.moments and not self.over:
            self.say(487)
            self._end(by_us=False, status=487)
        elif method in ("INVITE", "UPDATE") and request.body and not self.over:
            self._talk_to(request)

    def _cancel(self) -> None:
        self._transmit(
            self._same_transaction("CANCEL", to=self._invite.get("to")), until_answered=True
        )

    def _transmit(self, message: Message, *, until_answered: bool = False) -> None:
        line = self._telephones
        (line.send_until_answered if until_answered else line.send)(message, self._peer)

    def _request(self, method: str, body: str = "", cseq: int = 0) -> Message:
        self._cseq += not cseq
        host = self._telephones._host
        headers = [
            ("via", f"SIP/2.0/UDP {host};branch=z9hG4bK{secrets.token_hex(8)};rport"),
            ("max-forwards", "70"),
            ("from", self._own),
            ("to", self._theirs),
            ("call-id", self.call_id),
            ("cseq", f"{cseq or self._cseq} {method}"),
            ("contact", f"<sip:{_user(self._own)}@{host}>"),
        ]
        if body:
            headers.append(("content-type", "application/sdp"))
        return Message(f"{method} {self._target} SIP/2.0", tuple(headers), body)

    def _same_transaction(self, method: str, *, to: str) -> Message:
        """The CANCEL of the INVITE, or the ACK of its refusal."""
        invite = self._invite
        headers = {name: invite.get(name) for name in ("via", "max-forwards", "from", "call-id")}
        headers |= {"to": to, "cseq": f"{invite.get('cseq').split()[0]} {method}"}
        return Message(invite.start.replace("INVITE", method, 1), tuple(headers.items()))

    def _describe(self) -> str:
        host, port = self._rtp.getsockname() if self._rtp.fileno() >= 0 else ("127.0.0.1", 9)
        return (
            f"v=0\r\no=- {int(self._tag, 16)} 1 IN IP4 {host}\r\ns=-\r\n"
            f"c=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
            "a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
        )

    def _end(self, *, by_us: bool, status: int) -> None:
        if self.over:
            return
        self.by_us, self.status = by_us, status
        if self._telephones.listens:
            self._listen()
            asyncio.get_running_loop().remove_reader(self._rtp)
        self._telephones.talking.discard(self)
        self._rtp.close()
        self._happened("ended")

    def _forget(self) -> None:
        """Nothing more can come of this call but repetitions."""
        if self.over:
            self._telephones.calls.pop(self.call_id, None)

    def _happened(self, moment: str, at: float | None = None) -> None:
        if moment not in self.moments:
            self.moments[moment] = at or time.time()
            watchers, self._watchers = self._watchers, []
            for watcher in watchers:
                if not watcher.done():
                    watcher.set_result(None)

    # -- sound ---------------------------------------------------------------------------------

    def talk(self) -> None:
        """Send 20 ms."""
        if self.says is None or self._remote is None:
            return
        header = _HEADER.pack(0x80, 0, self._sequence, self._timestamp, self._source)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        with suppress(OSError):  # the port over there is closed
            self._rtp.sendto(header + self.says, self._remote)

    def _talk_to(self, description: Message) -> None:
        host = re.search(r"(?m)^c=IN IP4 (\S+)", description.body)
        port = re.search(r"(?m)^m=audio (\d+)", description.body)
        if host and port:
            self._remote = (host[1], int(port[1]))
            self._telephones.talking.add(self)

    def _listen(self) -> None:
        with suppress(OSError):  # there is no more; or the port over there is closed
            while True:
                data, ancillary, _, _ = self._rtp.recvmsg(2048, 64)
                seconds, nanoseconds = _TIMESTAMP.unpack(ancillary[0][2])
                self._hear(data, seconds + nanoseconds / 1e9)

    def _hear(self, data: bytes, at: float) -> None:
        if len(data) <= _HEADER.size or data[1] & 0x7F:
            return
        _, _, sequence, _, source = _HEADER.unpack_from(data)
        if source == self._their_source:
            self.lost += (
                (sequence - self._their_sequence - 1) & 0xFFFF
                if (0 < (sequence - self._their_sequence) & 0xFFFF < 1000)
                else 0
            )
        self._their_source, self._their_sequence = source, sequence
        frame = self._telephones.ear.heard(data[_HEADER.size :])
        if frame:
            self.heard.append((at, frame))
            self._happened(frame.name, at)


def _uri(value: str) -> str:
    found = re.search(r"<([^>]+)>", value)
    return found[1] if found else value.partition(";")[0].strip()


def _user(value: str) -> str:
    return _uri(value).removeprefix("sip:").partition("@")[0]
