from __future__ import annotations

import socket
from array import array
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from callcentre_disclosure.testing.g711 import PCMA, PCMU, SAMPLE_RATE, Codec
from callcentre_disclosure.testing.recording import Recording, find, find_tone
from callcentre_disclosure.testing.rtp import FRAME, Packet, lay_out
from callcentre_disclosure.testing.sip import Call, CallFailed, Message, Phone, reply
from callcentre_disclosure.testing.sounds import sentence


@pytest.fixture
def caller() -> Iterator[Phone]:
    with Phone("127.0.0.2", number="+33612345678") as phone:
        yield phone


@pytest.fixture
def agent() -> Iterator[Phone]:
    with Phone(number="amina", play=1000) as phone:
        yield phone


# -- G.711 -----------------------------------------------------------------------------------------


def test_ulaw_and_alaw_as_the_standard_has_them() -> None:
    assert PCMU.decode(b"\x00\x7f\x80\xff\x9f").tolist() == [-32124, 0, 32124, 0, 8316]
    assert PCMA.decode(b"\xd5\x55\xaa\x2a\x80").tolist() == [8, -8, 32256, -32256, 5504]


@pytest.mark.parametrize("codec", [PCMU, PCMA], ids=lambda codec: codec.name)
def test_every_code_survives_the_way_through_pcm(codec: Codec) -> None:
    codes = bytes(code for code in range(256) if (codec.name, code) != ("PCMU", 0x7F))  # -0
    assert codec.encode(codec.decode(codes)) == codes


@pytest.mark.parametrize("codec", [PCMU, PCMA], ids=lambda codec: codec.name)
def test_no_sample_is_further_off_than_half_a_step(codec: Codec) -> None:
    samples = array("h", range(-32768, 32768))
    for sample, heard in zip(samples, codec.decode(codec.encode(samples)), strict=True):
        assert abs(heard - sample) <= max(8, (abs(sample) + 132) / 32)


# -- audio in time ---------------------------------------------------------------------------------


def packet(arrived: float, timestamp: int, *, source: int = 1) -> Packet:
    return Packet(arrived, source, timestamp % (1 << 32), PCMU, PCMU.encode([4000] * FRAME))


def heard_from_to(packets: list[Packet]) -> list[tuple[float, float]]:
    spans: list[list[int]] = []
    for i, sample in enumerate(lay_out(packets, 100.0, 100.0)):
        if not sample:
            continue
        if spans and spans[-1][1] == i:
            spans[-1][1] = i + 1
        else:
            spans.append([i, i + 1])
    return [(start / SAMPLE_RATE, stop / SAMPLE_RATE) for start, stop in spans]


def test_jitter_leaves_no_holes_and_the_timestamp_wraps() -> None:
    late = [0.0, 0.004, 0.0, 0.011, 0.002]
    start = (1 << 32) - 2 * FRAME
    packets = [packet(100.5 + 0.02 * i + late[i], start + FRAME * i) for i in range(5)]
    assert heard_from_to(packets) == [(0.5, 0.6)]


def test_packets_that_a_busy_machine_gives_all_at_once_lie_where_they_belong() -> None:
    arrivals = [100.5, 100.52, *[100.9] * 18, 100.9, 100.92]
    packets = [packet(at, FRAME * i) for i, at in enumerate(arrivals)]
    assert heard_from_to(packets) == [(0.5, 0.94)]


def test_a_gap_is_silence() -> None:
    packets = [packet(100.0, 0), packet(100.5, SAMPLE_RATE // 2)]
    assert heard_from_to(packets) == [(0.0, 0.02), (0.5, 0.52)]


def test_timestamps_that_jump_are_put_right_by_the_arrival() -> None:
    packets = [packet(100.0, 0), packet(100.5, 900_000), packet(100.52, 900_000 + FRAME)]
    assert heard_from_to(packets) == [(0.0, 0.02), (0.5, 0.54)]


def test_another_source_is_laid_behind_the_first_and_not_over_it() -> None:
    packets = [packet(100.0, 0), packet(100.02, FRAME), packet(100.03, 5, source=2)]
    assert heard_from_to(packets) == [(0.0, 0.06)]


# -- messages --------------------------------------------------------------------------------------


def test_a_message_is_read_with_compact_and_folded_headers() -> None:
    message = Message.parse(
        b"SIP/2.0 180 Ringing\r\nv: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n"
        b"CSeq: 1 INVITE\r\nSubject: in two\r\n  lines\r\n\r\nbody"
    )
    assert (message.status, message.method, message.branch) == (180, "INVITE", "z9hG4bK1")
    assert message.get("subject") == "in two lines"
    assert message.body == "body"
    assert message.summary == "180 Ringing"


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_no_sip_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no SIP"):
        Message.parse(data)


# -- from phone to phone ---------------------------------------------------------------------------


def test_a_call_from_dialling_to_hanging_up(caller: Phone, agent: Phone) -> None:
    call = caller.call("amina", agent.address)
    leg = agent.next_call()
    assert (leg.caller_id, leg.number) == ("+33612345678", "amina")
    assert call.wait_for("ringing") <= call.wait_for("answered")
    call.wait_for("audio")
    leg.wait_for("audio")
    call.hang_up()
    leg.wait_for("ended")
    assert call.ending is not None
    assert leg.ending is not None
    assert (call.ending.by_us, leg.ending.by_us) == (True, False)
    assert [event.what for event in leg.timeline] == [
        "INVITE", "180 Ringing", "200 OK", "ACK", "BYE", "200 OK",
    ]  # fmt: skip
    assert [event.sent for event in leg.timeline] == [False, True, True, False, False, True]


@pytest.mark.parametrize("codec", [PCMU, PCMA], ids=lambda codec: codec.name)
def test_each_records_what_the_other_says(tmp_path: Path, caller: Phone, codec: Codec) -> None:
    pytest.importorskip("numpy")
    wav = tmp_path / "hello.wav"
    Recording(sentence("bonjour ici Amina")).save(wav)
    with Phone(number="amina", play=wav, codecs=[codec], answer_after=0.2) as agent:
        call = caller.call("amina", agent.address)
        leg = agent.next_call()
        call.wait_for("answered")
        call.play(600)
        call.wait_until(2.0)
        leg.hang_up()
        call.wait_for("ended")
    match = find(call.recording(), wav)
    assert match is not None
    assert match.complete
    assert match.start == pytest.approx(0.2, abs=0.1)
    assert call.recording().duration == pytest.approx(2.0, abs=0.2)
    ((start, end),) = find_tone(leg.recording(), 600)
    assert start == pytest.approx(0.2, abs=0.1)
    assert end == pytest.approx(2.0, abs=0.2)


def test_nothing_is_said_before_the_answer(caller: Phone) -> None:
    with Phone(number="amina", play=1000, answer_after=0.4) as agent:
        call = caller.call("amina", agent.address)
        assert call.wait_for("audio") >= 0.4


def test_busy(caller: Phone, agent: Phone) -> None:
    agent.reject = 486
    call = caller.call("amina", agent.address)
    with pytest.raises(CallFailed, match="486 Busy Here"):
        call.wait_for("answered")
    assert call.ending is not None
    assert call.ending.status == 486
    agent.reject = None
    caller.call("amina", agent.address).wait_for("answered")


def test_the_caller_gives_up_while_it_rings(caller: Phone) -> None:
    with Phone(number="amina", answer_after=None) as agent:
        call = caller.call("amina", agent.address)
        leg = agent.next_call()
        call.wait_for("ringing")
        call.hang_up()
        leg.wait_for("ended")
        assert leg.ending is not None
        assert leg.ending.status == 487
        assert [event.what for event in leg.timeline][2:5] == [
            "CANCEL",
            "200 OK",
            "487 Request Terminated",
        ]


def test_a_call_can_be_picked_up_by_hand(caller: Phone) -> None:
    with Phone(number="amina", answer_after=None) as agent:
        call = caller.call("amina", agent.address)
        call.wait_for("ringing")
        agent.next_call().answer()
        call.wait_for("answered")


def test_keys(caller: Phone, agent: Phone) -> None:
    call = caller.call("amina", agent.address)
    call.wait_for("answered")
    call.send_dtmf("12*", duration=0.06)
    leg = agent.next_call()
    leg.wait_for("digit")
    call.hang_up()
    leg.wait_for("ended")
    assert leg.digits == "12*"


def test_what_is_awaited_in_vain_says_what_happened_instead(caller: Phone, agent: Phone) -> None:
    call = caller.call("amina", agent.address)
    with pytest.raises(CallFailed, match=r"nothing within 0\.2 s\n(.*\n)+.*200 OK"):
        call.wait_for("message", timeout=0.2)
    with pytest.raises(CallFailed, match="no call came"):
        caller.next_call(timeout=0.05)


def test_closing_a_phone_ends_its_calls() -> None:
    with Phone(number="amina") as agent:
        with Phone("127.0.0.2") as caller:
            caller.call("amina", agent.address).wait_for("answered")
        leg = agent.next_call()
        leg.wait_for("ended")


def test_a_port_that_is_taken_is_said_at_once(agent: Phone) -> None:
    with pytest.raises(OSError, match="in use"):
        Phone(port=agent.port)


# -- against a stranger ----------------------------------------------------------------------------


class Stranger:
    """Whoever sends the phone what a well-kept one would not."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.socket.getsockname()
        return host, port

    def says(
        self, method: str, *, number: int = 1, tag: str = "", call_id: str = "one", body: str = ""
    ) -> None:
        host, port = self.address
        text = (
            f"{method} sip:amina@127.0.0.1 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{number}\r\n"
            f"From: <sip:stranger@{host}>;tag=s\r\nTo: <sip:amina@127.0.0.1>{tag}\r\n"
            f"Contact: <sip:stranger@{host}:{port}>\r\n"
            f"Call-ID: {call_id}\r\nCSeq: {number} {method}\r\n\r\n{body}"
        )
        self.socket.sendto(text.encode(), self.phone.address)

    def hears(self) -> Message:
        return Message.parse(self.socket.recv(65535))

    def answers(self, request: Message, status: int, *, body: str = "") -> None:
        """Says this to a request, as the other side of the phone's own calls."""
        host, port = self.address
        contact = f"<sip:stranger@{host}:{port}>"
        answer = reply(request, status, tag="t", contact=contact, body=body)
        self.socket.sendto(answer.encode(), self.phone.address)

    def hangs_up(self, call: Call) -> None:
        self.says("BYE", number=99, call_id=call.call_id)
        assert self.hears().summary == "200 OK"

    def hears_and_answers(self, method: str, status: int, *, body: str = "") -> Message:
        request = self.hears()
        assert request.method == method
        self.answers(request, status, body=body)
        return request


@pytest.fixture
def stranger(agent: Phone) -> Iterator[Stranger]:
    other = Stranger(agent)
    yield other
    other.socket.close()


SDP = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 8\r\n"


def test_an_invite_that_is_sent_again_is_one_call(stranger: Stranger, agent: Phone) -> None:
    agent.answer_after = None
    for _ in range(3):
        stranger.says("INVITE", body=SDP)
        assert stranger.hears().summary == "180 Ringing"
    assert len(agent.calls) == 1


def test_an_answer_is_sent_again_until_it_is_acknowledged(stranger: Stranger) -> None:
    stranger.says("INVITE", body=SDP)
    answers = [stranger.hears().summary for _ in range(3)]
    assert answers == ["180 Ringing", "200 OK", "200 OK"]
    stranger.says("ACK", number=2)
    stranger.socket.settimeout(1.5)
    with pytest.raises(TimeoutError):
        stranger.hears()
    stranger.says("BYE", number=3)
    stranger.socket.settimeout(5)
    assert stranger.hears().summary == "200 OK"


def test_within_a_call(stranger: Stranger, agent: Phone) -> None:
    stranger.says("INVITE", body=SDP)
    stranger.hears()
    answer = stranger.hears()
    assert "m=audio" in answer.body
    assert "PCMA/8000" in answer.body
    assert "PCMU" not in answer.body
    stranger.says("ACK", number=2)
    stranger.says("MESSAGE", number=3, body="Votre appel est traité au Maroc.")
    assert stranger.hears().status == 200
    stranger.says("UPDATE", number=4)
    assert stranger.hears().body == ""
    stranger.says("INVITE", number=5, body=SDP)
    again = stranger.hears()
    assert (again.status, again.body) == (200, answer.body)
    stranger.says("PRACK", number=6)
    assert stranger.hears().status == 501
    stranger.says("BYE", number=7)
    assert stranger.hears().status == 200
    call = agent.next_call()
    assert [message.text for message in call.messages] == ["Votre appel est traité au Maroc."]


@pytest.mark.parametrize("status", [405, 0])
def test_a_message_is_refused_or_ignored_and_the_call_goes_on(status: int) -> None:
    allow = "INVITE, ACK, CANCEL, BYE"
    with Phone(refuse_messages=status, allow=allow) as phone:
        stranger = Stranger(phone)
        stranger.says("INVITE", body=SDP)
        assert stranger.hears().get("allow") == allow
        stranger.hears()
        stranger.says("ACK", number=2)
        stranger.says("MESSAGE", number=3, body="Votre appel est traité au Maroc.")
        stranger.says("OPTIONS", number=4)
        expected = [f"{status} Method Not Allowed"] if status else []
        for what in [*expected, "200 OK"]:
            assert stranger.hears().summary == what
        call = phone.next_call()
        assert (call.messages, call.when("message"), call.ending) == ([], None, None)
        stranger.hangs_up(call)
        stranger.socket.close()


def test_hold_and_back(stranger: Stranger, agent: Phone) -> None:
    call = agent.call("301", stranger.address)
    invite = stranger.hears_and_answers("INVITE", 200, body=SDP)
    assert stranger.hears().method == "ACK"
    for act, direction, status in [
        (call.hold, "a=sendonly", 200),
        (call.resume, "a=sendrecv", 200),
        (call.hold, "a=sendonly", 488),
    ]:
        act()
        again = stranger.hears_and_answers("INVITE", status, body=SDP if status == 200 else "")
        assert direction in again.body
        assert version(again) == version(invite) + 1
        assert again.get("cseq") != invite.get("cseq")
        acknowledged = stranger.hears()
        assert acknowledged.method == "ACK"
        assert acknowledged.get("cseq").split()[0] == again.get("cseq").split()[0]
        invite = again
    assert call.ending is None
    stranger.hangs_up(call)


def version(invite: Message) -> int:
    """Which description of itself a phone sends: they must be told apart."""
    (line,) = (line for line in invite.body.splitlines() if line.startswith("o="))
    return int(line.split()[2])


def test_blind_transfer(stranger: Stranger, agent: Phone) -> None:
    stranger.says("INVITE", body=SDP)
    stranger.hears()
    stranger.hears()
    stranger.says("ACK", number=2)
    call = agent.next_call()
    call.transfer("301")
    refer = stranger.hears_and_answers("REFER", 202)
    host, port = stranger.address
    assert refer.get("refer-to") == f"<sip:301@{host}:{port}>"
    stranger.says("NOTIFY", number=3, body="SIP/2.0 100 Trying\r\n")
    assert stranger.hears().status == 200
    assert call.transferred is None
    stranger.says("NOTIFY", number=4, body="SIP/2.0 200 OK\r\n")
    assert stranger.hears().status == 200
    call.wait_for("transferred")
    assert call.transferred == 200
    stranger.hears_and_answers("BYE", 200)
    call.wait_for("ended")


@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_transfer_that_fails_leaves_the_call(stranger: Stranger, agent: Phone, when: str) -> None:
    call = agent.call("301", stranger.address)
    stranger.hears_and_answers("INVITE", 200, body=SDP)
    stranger.hears()
    call.transfer("999")
    if when == "at once":
        stranger.hears_and_answers("REFER", 603)
    else:
        stranger.hears_and_answers("REFER", 202)
        busy = "SIP/2.0 486 Busy Here\r\n"
        stranger.says("NOTIFY", number=9, call_id=call.call_id, body=busy)
        assert stranger.hears().status == 200
    call.wait_for("transferred")
    assert call.transferred == (603 if when == "at once" else 486)
    assert call.ending is None
    stranger.hangs_up(call)


def test_attended_transfer(stranger: Stranger, agent: Phone) -> None:
    stranger.says("INVITE", body=SDP)
    stranger.hears()
    stranger.hears()
    stranger.says("ACK", number=2)
    consultation = agent.call("301", stranger.address)
    invite = stranger.hears_and_answers("INVITE", 200, body=SDP)
    stranger.hears()
    agent.next_call().transfer(consultation)
    refer = stranger.hears_and_answers("REFER", 202)
    assert refer.get("call-id") == "one"
    target, _, replaces = refer.get("refer-to").strip("<>").partition("?Replaces=")
    host, port = stranger.address
    assert target == f"sip:stranger@{host}:{port}"
    own_tag = invite.get("from").partition(";tag=")[2]
    assert unquote(replaces) == f"{consultation.call_id};to-tag=t;from-tag={own_tag}"
    stranger.hangs_up(consultation)
    stranger.says("BYE", number=98)
    assert stranger.hears().summary == "200 OK"


def test_outside_of_a_call(stranger: Stranger) -> None:
    stranger.says("OPTIONS", number=1)
    assert stranger.hears().status == 200
    stranger.says("BYE", number=2)
    assert stranger.hears().status == 481
    stranger.socket.sendto(b"\r\n\r\n", stranger.phone.address)
    stranger.says("OPTIONS", number=3)
    assert stranger.hears().status == 200
