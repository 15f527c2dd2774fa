"""One call's audio: RTP out every 20 ms, and whatever comes in kept with the time it came.

Two clocks tell when a packet's sound belongs. Its own timestamp is exact, but says nothing across a
change of source, and Asterisk lets it jump when a silence ends. The time of arrival is true for
packets that did not wait, here or there. ``lay_out`` follows the first within a row of packets and
places the row by the one that waited least.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from callcentre_disclosure.testing.g711 import BY_PAYLOAD_TYPE, SAMPLE_RATE, Codec

FRAME = SAMPLE_RATE // 50
"""Samples in a packet: 20 ms."""

TELEPHONE_EVENT = 101
"""The payload type of DTMF digits (RFC 4733) in every offer and answer of this package."""

JITTER = 0.06
"""Seconds by which timestamps and arrivals may differ before the arrivals are believed."""

_FRAME_SECONDS = FRAME / SAMPLE_RATE
_DIGITS = "0123456789*#ABCD"
_HEADER = struct.Struct("!BBHII")


@dataclass(frozen=True)
class Packet:
    """An audio packet that came in: ``arrived`` by ``time.monotonic()``, in seconds."""

    arrived: float
    source: int
    timestamp: int
    codec: Codec
    payload: bytes


@dataclass(frozen=True)
class _Key:
    """20 ms of a pressed key."""

    event: int
    ticks: int
    ends: bool


def lay_out(packets: Iterable[Packet], t0: float, until: float) -> array[int]:
    """The sound of a call from ``t0`` to ``until``, 16-bit samples; silence where nothing came.

    Sounds are never laid over one another: what came first stays first.
    """
    samples = array("h")
    last: Packet | None = None
    for packets_in_a_row in _rows(packets):
        head = packets_in_a_row[0]
        # The packet that waited least anywhere tells when its row began.
        start = min(
            round((packet.arrived - t0) * SAMPLE_RATE) - _ahead(packet, head)
            for packet in packets_in_a_row
        )
        if last is not None and last.source == head.source:
            stamped = len(samples) + _ahead(head, last) - len(last.payload)
            if abs(stamped - start) <= JITTER * SAMPLE_RATE:
                start = stamped
        samples.frombytes(bytes(2 * max(start - len(samples), 0)))
        for packet in packets_in_a_row:
            samples.extend(packet.codec.decode(packet.payload))
        last = packets_in_a_row[-1]
    wanted = round((until - t0) * SAMPLE_RATE)
    samples.frombytes(bytes(2 * max(wanted - len(samples), 0)))
    return samples


def _rows(packets: Iterable[Packet]) -> Iterator[list[Packet]]:
    """Packets whose timestamps follow one another without a gap."""
    row: list[Packet] = []
    for packet in packets:
        if row and (
            packet.source != row[-1].source or _ahead(packet, row[-1]) != len(row[-1].payload)
        ):
            yield row
            row = []
        row.append(packet)
    if row:
        yield row


def _ahead(packet: Packet, other: Packet) -> int:
    """By how many samples a packet's timestamp follows another's, across the wrap at 2^32."""
    return (packet.timestamp - other.timestamp + (1 << 31)) % (1 << 32) - (1 << 31)


class Media:
    """The audio of one call, on one UDP port. Lives on its phone's event loop."""

    def __init__(
        self, address: str, on_audio: Callable[[], None], on_digit: Callable[[str], None]
    ) -> None:
        self.packets: list[Packet] = []
        self._on_audio = on_audio
        self._on_digit = on_digit
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((address, 0))
        self.port: int = self._socket.getsockname()[1]
        self._loop.add_reader(self._socket, self._receive)
        self._tick_timer: asyncio.TimerHandle | None = None
        self._next = 0.0
        self._remote: tuple[str, int] | None = None
        self._codec: Codec | None = None
        self._sound = array("h")
        self._at = 0
        self._loops = False
        self._source = secrets.randbits(32)
        self._sequence = secrets.randbits(16)
        self._timestamp = secrets.randbits(32)
        self._keys: deque[_Key | None] = deque()
        self._key_timestamp = 0
        self._keys_sent: Callable[[], None] | None = None
        self._digit_heard: tuple[int, int] | None = None

    # -- out -----------------------------------------------------------------------------------

    def send_to(self, remote: tuple[str, int], codec: Codec) -> None:
        """Where the other side listens, and in which of the two laws. Begins to send."""
        self._remote, self._codec = remote, codec
        if self._tick_timer is None:
            self._next = self._loop.time()
            self._tick()

    def play(self, samples: array[int], *, loops: bool) -> None:
        """What is sent from now on, from its first sample; then silence, unless it loops."""
        self._sound, self._at, self._loops = samples, 0, loops

    def press(self, digits: str, seconds: float, sent: Callable[[], None]) -> None:
        """Sends DTMF digits instead of the sound, each with 60 ms of silence after it."""
        ticks = max(round(seconds / _FRAME_SECONDS), 1)
        for digit in digits:
            event = _DIGITS.index(digit)
            self._keys.extend(_Key(event, tick, ends=False) for tick in range(1, ticks + 1))
            # The end is said three times, for it must not get lost.
            self._keys.extend([_Key(event, ticks, ends=True)] * 3)
            self._keys.extend([None] * 3)
        self._keys_sent = sent

    def _tick(self) -> None:
        while self._next <= self._loop.time():
            self._send_frame()
            self._next += _FRAME_SECONDS
        self._tick_timer = self._loop.call_at(self._next, self._tick)

    def _send_frame(self) -> None:
        assert self._codec is not None
        key = self._keys.popleft() if self._keys else None
        if key is not None:
            starts = key.ticks == 1 and not key.ends
            if starts:
                self._key_timestamp = self._timestamp
            body = struct.pack("!BBH", key.event, 0x8A if key.ends else 0x0A, key.ticks * FRAME)
            self._send(TELEPHONE_EVENT | (0x80 if starts else 0), self._key_timestamp, body)
        else:
            frame = self._codec.encode(self._next_samples())
            self._send(self._codec.payload_type, self._timestamp, frame)
        self._timestamp = (self._timestamp + FRAME) % (1 << 32)
        if self._keys_sent is not None and not self._keys:
            self._keys_sent()
            self._keys_sent = None

    def _next_samples(self) -> array[int]:
        samples = self._sound[self._at : self._at + FRAME]
        self._at += len(samples)
        while self._loops and self._sound and len(samples) < FRAME:
            self._at = min(FRAME - len(samples), len(self._sound))
            samples.extend(self._sound[: self._at])
        samples.frombytes(bytes(2 * (FRAME - len(samples))))
        return samples

    def _send(self, payload_type: int, timestamp: int, payload: bytes) -> None:
        header = _HEADER.pack(0x80, payload_type, self._sequence, timestamp, self._source)
        self._sequence = (self._sequence + 1) % (1 << 16)
        if self._remote is not None:
            with suppress(OSError):  # the other side has gone: SIP will say so
                self._socket.sendto(header + payload, self._remote)

    # -- in ------------------------------------------------------------------------------------

    def _receive(self) -> None:
        """All that has come. A phone that was slow has not lost what it has not read yet."""
        while True:
            try:
                data = self._socket.recv(4096)
            except BlockingIOError:
                return
            except OSError:  # the other side's port is closed
                continue
            self._take(data)

    def _take(self, data: bytes) -> None:
        if len(data) <= _HEADER.size or data[0] >> 6 != 2:
            return
        first, second, _, timestamp, source = _HEADER.unpack_from(data)
        payload = data[_HEADER.size + 4 * (first & 0x0F) :]
        codec = BY_PAYLOAD_TYPE.get(second & 0x7F)
        if codec is not None:
            self.packets.append(Packet(self._loop.time(), source, timestamp, codec, payload))
            if len(self.packets) == 1:
                self._on_audio()
        elif second & 0x7F == TELEPHONE_EVENT and self._digit_heard != (source, timestamp):
            self._digit_heard = (source, timestamp)
            self._on_digit(_DIGITS[payload[0] % len(_DIGITS)])

    def close(self) -> None:
        """Sends and receives no more; what was received stays."""
        if self._tick_timer is not None:
            self._tick_timer.cancel()
        if self._keys_sent is not None:
            self._keys_sent()
            self._keys_sent = None
        if self._socket.fileno() >= 0:
            self._receive()
            self._loop.remove_reader(self._socket)
            self._socket.close()
