"""The ARI codec, fed every way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcentre_disclosure.asterisk.ari.protocol import (
    Event,
    Message,
    Reply,
    Request,
    Response,
    decode,
    encode,
    path,
    response,
    takes_requests,
)
from callcentre_disclosure.errors import RemoteProtocolError

TRACES = sorted((Path(__file__).parents[3] / "data" / "ari").glob("*/*.jsonl"))

MESSAGES: list[tuple[str, Message]] = [
    ('{"type": "Dial"}', Event("Dial", {"type": "Dial"})),
    (
        '{"type": "RESTResponse", "request_id": "a-1", "status_code": 200, "message_body": "[]"}',
        Reply("a-1", Response(200, [])),
    ),
    (
        '{"type": "RESTResponse", "request_id": "a-1", "status_code": 204}',
        Reply("a-1", Response(204)),
    ),
    (
        '{"type": "RESTResponse", "request_id": "", "status_code": 400, "message_body": "<html>"}',
        Reply("", Response(400)),
    ),
    (
        '{"type": "RESTResponse", "status_code": 204, "message_body": null}',
        Reply("", Response(204)),
    ),
]

NONSENSE: list[str | bytes] = [
    "",
    "{",
    "[]",
    "null",
    "7",
    "{}",
    '{"type": 7}',
    '{"type": "RESTResponse"}',
    '{"type": "RESTResponse", "status_code": "200"}',
    '{"type": "RESTResponse", "status_code": 200, "message_body": 7}',
    b"\xff\xfe\xfd",
    "[" * 100_000,
]

REQUESTS: list[tuple[Request, dict[str, Any]]] = [
    (Request("GET", "channels"), {"method": "GET", "uri": "channels"}),
    (
        Request("POST", "channels/1/play/2", {"media": "sound:a&b=c d"}),
        {
            "method": "POST",
            "uri": "channels/1/play/2",
            "query_strings": [{"name": "media", "value": "sound:a&b=c d"}],
        },
    ),
    (
        Request("POST", "channels", body={"variables": {"A": 'é"'}}),
        {
            "method": "POST",
            "uri": "channels",
            "content_type": "application/json",
            "message_body": '{"variables": {"A": "\\u00e9\\""}}',
        },
    ),
    (Request("PUT", "x", body={}), {"content_type": "application/json", "message_body": "{}"}),
]


@pytest.mark.parametrize(("text", "message"), MESSAGES)
def test_a_message_is_the_same_as_text_and_as_bytes(text: str, message: Message) -> None:
    assert decode(text) == message
    assert decode(text.encode()) == message


@pytest.mark.parametrize("text", NONSENSE)
def test_what_is_none_of_aris_is_refused_and_never_quoted(text: str | bytes) -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        decode(text)
    assert len(str(refusal.value)) < 80


@given(st.text() | st.binary())
def test_no_text_at_all_gets_further_than_the_codec(text: str | bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("id"), inner),
    max_leaves=10,
)
FIELDS = st.sampled_from(["channel", "bridge", "playback", "status_code", "request_id", "x"])


@settings(max_examples=50)
@given(
    st.sampled_from(["StasisStart", "RESTResponse"]),
    st.dictionaries(FIELDS | st.just("message_body"), JSON),
)
def test_whatever_an_event_holds_its_subjects_can_be_asked(kind: str, body: dict[str, Any]) -> None:
    try:
        message = decode(json.dumps({**body, "type": kind}))
    except RemoteProtocolError:
        assert kind == "RESTResponse"
        return
    if isinstance(message, Event):
        assert all(isinstance(subject, str) for subject in message.subjects)
        assert isinstance(message.channel_id, str)
    else:
        assert isinstance(message.response.ok, bool)


@pytest.mark.parametrize(("request_", "message"), REQUESTS)
def test_a_request_becomes_a_message(request_: Request, message: dict[str, Any]) -> None:
    came = json.loads(encode(request_, "a-1"))
    assert came["type"] == "RESTRequest"
    assert came["request_id"] == "a-1"
    assert message.items() <= came.items()
    assert ("message_body" in came) == (request_.body is not None)


@given(st.text(), st.text())
def test_nothing_in_a_path_makes_another_path(one: str, other: str) -> None:
    came = path("channels", one, other)
    assert came.isascii()
    assert [unquote(segment) for segment in came.split("/")] == ["channels", one, other]
    assert not set(came) & set("?#% \r\n") - {"%"}


def test_an_event_is_about_all_that_has_an_id_in_it() -> None:
    entered = Event("ChannelEnteredBridge", {"bridge": {"id": "b"}, "channel": {"id": "c"}})
    assert entered.subjects == {"b", "c"}
    assert entered.channel_id == "c"
    dialled = Event("Dial", {"caller": {"id": "c"}, "peer": {"id": "p"}, "dialstatus": "BUSY"})
    assert dialled.subjects == {"c", "p"}
    assert Event("BridgeDestroyed", {"bridge": {"id": "b"}}).channel_id == ""


def test_a_playback_is_also_about_what_it_plays_on() -> None:
    playback = {"id": "p", "target_uri": "channel:with:colons"}
    assert Event("PlaybackStarted", {"playback": playback}).subjects == {"p", "with:colons"}
    assert Event("PlaybackStarted", {"playback": {"id": "p"}}).subjects == {"p"}


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: f"{trace.parent.name}-{trace.stem}")
def test_what_a_real_asterisk_said_is_understood(trace: Path) -> None:
    lines = [json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if "event" in line:
            said = json.dumps(line["event"])
            event = decode(said, received_at=line["at"])
            assert isinstance(event, Event)
            assert event.received_at == line["at"]
            assert event.subjects
            assert all(
                f'"id": "{subject}"' in said for subject in event.subjects if ":" not in said
            )
        else:
            came = response(line["response"]["status"], json.dumps(line["response"]["body"]))
            assert came.body == line["response"]["body"]
    assert {"16", "22"} == {trace.parent.name for trace in TRACES}


@pytest.mark.parametrize(
    ("status", "ok", "gone"),
    [
        (200, True, False),
        (204, True, False),
        (404, False, True),
        (409, False, True),
        (412, False, True),
        (400, False, False),
        (422, False, False),
        (500, False, False),
    ],
)
def test_a_response_says_what_came_of_it(status: int, ok: bool, gone: bool) -> None:
    assert (Response(status).ok, Response(status).gone) == (ok, gone)


@pytest.mark.parametrize(
    ("version", "over_websocket"),
    [
        ("16.28.0~dfsg-0+deb11u4", False),
        ("18.26.4", False),
        ("20.13.0", False),
        ("20.14.0", True),
        ("20.14.0-rc1", True),
        ("21.8.0", False),
        ("21.9.0", True),
        ("22.3.0", False),
        ("22.4.1", True),
        ("22.10.1~dfsg+~cs6.16.60671435-1", True),
        ("23.0.0", True),
        ("certified/20.7-cert2", False),
        ("20.7-cert2", False),
        ("22", False),
        ("GIT-master-1234", False),
        ("", False),
    ],
)
def test_versions_that_take_requests_over_the_websocket(version: str, over_websocket: bool) -> None:
    assert takes_requests(version) is over_websocket
