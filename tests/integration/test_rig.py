"""The rehearsal stage itself: what the phones, the Asterisks and the recogniser say is so."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from select import select
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import pytest

from callcentre_disclosure.testing.g711 import PCMA
from callcentre_disclosure.testing.installation import AsteriskUnavailable, Installation, obtain
from callcentre_disclosure.testing.private_asterisk import (
    MUSIC_ON_HOLD_HZ,
    AsteriskFailed,
    PrivateAsterisk,
)
from callcentre_disclosure.testing.recording import find, find_tone
from callcentre_disclosure.testing.sip import Call, CallFailed, Phone

if TYPE_CHECKING:
    from tests.integration.conftest import RunAsterisk


AGENT_HZ = 1000
MOROCCO = "votre appel est traité depuis le Maroc"
TUNISIA = "votre appel est traité depuis la Tunisie"

Wav = Callable[[str], Path]


def heard_whole(call: Call, wav: Path) -> tuple[float, float]:
    """When a sound was heard, from its start to its end; fails where it was not, or not whole."""
    match = find(call.recording(), wav)
    assert match is not None
    assert match.complete, match
    return match.start, match.end


def script(path: Path, text: str) -> Path:
    # As pip writes it: a first line that names the interpreter cannot hold a space.
    start = f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n' '''\n"
    path.write_text(start + text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_the_announcement_then_the_agent(
    run_asterisk: RunAsterisk, caller: Phone, agent: Phone, wav: Wav
) -> None:
    sound = wav(MOROCCO)
    asterisk = run_asterisk(
        f"""
[inbound]
exten => 100,1,Answer()
 same => n,Playback({sound.with_suffix("")})
 same => n,Dial(PJSIP/amina,20)
""",
        agents={"amina": agent.port},
    )
    call = caller.call("100", asterisk.sip_address)
    leg = agent.next_call()
    leg.wait_for("answered")
    leg.wait_for("audio")
    assert leg.caller_id == "+33612345678"
    connected = leg.t0 - call.t0 + leg.wait_for("answered")
    call.wait_until(connected + 1)
    call.hang_up()
    leg.wait_for("ended")

    start, end = heard_whole(call, sound)
    ((tone_start, tone_end),) = find_tone(call.recording(), AGENT_HZ)
    assert start < 0.3
    assert end <= connected <= tone_start < connected + 0.3
    assert tone_end == pytest.approx(call.recording().duration, abs=0.2)
    other = find(call.recording(), wav(TUNISIA))
    assert other is None or not other.complete
    assert leg.ending is not None
    assert not leg.ending.by_us


def test_a_caller_who_hangs_up_releases_the_agent(
    run_asterisk: RunAsterisk, caller: Phone, agent: Phone
) -> None:
    agent.answer_after = None
    asterisk = run_asterisk(
        "[inbound]\nexten => 100,1,Dial(PJSIP/amina,20)\n", agents={"amina": agent.port}
    )
    call = caller.call("100", asterisk.sip_address)
    leg = agent.next_call()
    call.wait_for("ringing")
    call.hang_up()
    leg.wait_for("ended", timeout=2)
    assert leg.when("answered") is None
    assert call.when("answered") is None


def test_a_caller_who_hangs_up_in_the_announcement_heard_part_of_it(
    run_asterisk: RunAsterisk, caller: Phone, wav: Wav
) -> None:
    sound = wav(MOROCCO)
    asterisk = run_asterisk(
        f"[inbound]\nexten => 100,1,Answer()\n same => n,Playback({sound.with_suffix('')})\n"
    )
    call = caller.call("100", asterisk.sip_address)
    call.wait_for("audio")
    call.wait_until(1.2)
    call.hang_up()
    match = find(call.recording(), sound)
    assert match is not None
    assert not match.complete
    assert match.heard == pytest.approx(1.2, abs=0.3)


def test_an_agent_who_is_busy_and_one_who_is_not_there(
    run_asterisk: RunAsterisk, caller: Phone, agent: Phone
) -> None:
    agent.reject = 486
    asterisk = run_asterisk(
        """
[inbound]
exten => 100,1,Dial(PJSIP/amina,20)
 same => n,Hangup(${IF($["${DIALSTATUS}" = "BUSY"]?17:38)})
""",
        agents={"amina": agent.port},
    )
    call = caller.call("100", asterisk.sip_address)
    with pytest.raises(CallFailed, match="486 Busy Here"):
        call.wait_for("answered")
    assert call.ending is not None
    assert (call.ending.status, call.ending.cause) == (486, 17)
    unknown = caller.call("999", asterisk.sip_address)
    unknown.wait_for("ended")
    assert unknown.ending is not None
    assert unknown.ending.status == 404


def test_early_media_is_heard_before_anything_is_billed(
    run_asterisk: RunAsterisk, caller: Phone, agent: Phone, wav: Wav
) -> None:
    sound = wav(MOROCCO)
    asterisk = run_asterisk(
        f"""
[inbound]
exten => 100,1,Progress()
 same => n,Playback({sound.with_suffix("")},noanswer)
 same => n,Dial(PJSIP/amina,20)
""",
        agents={"amina": agent.port},
    )
    call = caller.call("100", asterisk.sip_address)
    assert call.wait_for("early-media") < 0.5
    call.wait_for("answered")
    call.hang_up()
    _, end = heard_whole(call, sound)
    answered = call.when("answered")
    assert answered is not None
    assert end < answered


def test_a_key_cuts_the_announcement(run_asterisk: RunAsterisk, caller: Phone, wav: Wav) -> None:
    sound = wav(MOROCCO)
    asterisk = run_asterisk(
        f"""
[inbound]
exten => 100,1,Answer()
 same => n,Read(KEY,{sound.with_suffix("")},1)
 same => n,SendText(${{KEY}} on ${{CHANNEL(language)}} ${{CHANNEL(endpoint)}})
 same => n,Wait(5)
""",
        callers={"trunk-fr": "127.0.0.2"},
        languages={"trunk-fr": "fr"},
    )
    call = caller.call("100", asterisk.sip_address)
    call.wait_for("audio")
    call.wait_until(1.0)
    call.send_dtmf("5")
    call.wait_for("message")
    call.hang_up()
    assert [message.text for message in call.messages] == ["5 on fr trunk-fr"]
    match = find(call.recording(), sound)
    assert match is not None
    assert not match.complete
    assert match.heard == pytest.approx(1.1, abs=0.4)


def test_an_agi_script_runs_with_this_python(
    run_asterisk: RunAsterisk, caller: Phone, tmp_path: Path
) -> None:
    text = """
import json, os, sys
while sys.stdin.readline().strip():
    pass
facts = json.dumps([sys.prefix, os.environ.get("LD_LIBRARY_PATH"), os.environ["FOR_SCRIPTS"]])
print('SEND TEXT "' + facts.replace('"', '\\\\"') + '"', flush=True)
sys.stdin.readline()
"""
    outside = script(tmp_path / "outside.py", text)
    asterisk = run_asterisk(
        f"""
[inbound]
exten => 100,1,Answer()
 same => n,AGI({outside})
 same => n,AGI(inside.py)
 same => n,Wait(5)
""",
        environment={"FOR_SCRIPTS": "yes"},
    )
    script(asterisk.agi_bin / "inside.py", text)
    call = caller.call("100", asterisk.sip_address)
    call.wait_for("message")
    call.wait_until(call.wait_for("message") + 1)
    call.hang_up()
    expected = [sys.prefix, os.environ.get("LD_LIBRARY_PATH"), "yes"]
    assert [json.loads(message.text) for message in call.messages] == [expected, expected]


def test_a_queue_its_music_and_its_agent(
    run_asterisk: RunAsterisk, caller: Phone, agent: Phone
) -> None:
    agent.answer_after = 1.0
    asterisk = run_asterisk(
        "[inbound]\nexten => 100,1,Answer()\n same => n,Queue(support,,,,20)\n",
        queues="[support]\nstrategy = ringall\nmember => PJSIP/amina,0,Amina\n",
        agents={"amina": agent.port},
    )
    assert "PJSIP/amina" in asterisk.command("queue show support")
    call = caller.call("100", asterisk.sip_address)
    leg = agent.next_call()
    connected = leg.t0 - call.t0 + leg.wait_for("answered")
    call.wait_until(connected + 0.7)
    leg.hang_up()
    call.wait_for("ended")
    ((music_start, music_end),) = find_tone(call.recording(), MUSIC_ON_HOLD_HZ)
    ((tone_start, _),) = find_tone(call.recording(), AGENT_HZ)
    assert music_start < 0.3
    assert music_end == pytest.approx(connected, abs=0.2)
    assert tone_start >= music_end


def test_a_sound_by_name_in_the_language_and_another_dialplan(
    run_asterisk: RunAsterisk, caller: Phone, wav: Wav
) -> None:
    sound = wav(MOROCCO)
    asterisk = run_asterisk("[inbound]\n", languages={"caller": "fr"})
    (asterisk.sounds / "fr").mkdir()
    sound.rename(asterisk.sounds / "fr" / "country.wav")
    asterisk.reload_extensions(
        "[inbound]\nexten => _1XX,1,Playback(country)\n same => n,Hangup()\n"
    )
    with Phone("127.0.0.2", codecs=[PCMA]) as other:
        call = other.call("123", asterisk.sip_address)
        call.wait_for("ended")
    start, _ = heard_whole(call, asterisk.sounds / "fr" / "country.wav")
    assert start < 0.3


def test_ari_listens_for_its_user(run_asterisk: RunAsterisk, installation: Installation) -> None:
    asterisk = run_asterisk("[inbound]\n")
    credentials = b64encode(f"{asterisk.ari_user}:{asterisk.ari_password}".encode()).decode()
    url = f"http://127.0.0.1:{asterisk.http_port}/ari/asterisk/info"
    with urlopen(Request(url, headers={"Authorization": f"Basic {credentials}"})) as answer:
        assert json.load(answer)["system"]["version"].startswith(installation.version)


def test_what_happened_is_on_record(run_asterisk: RunAsterisk, caller: Phone) -> None:
    asterisk = run_asterisk("[inbound]\nexten => 100,1,Answer()\n same => n,Hangup()\n")
    call = caller.call("100", asterisk.sip_address)
    call.wait_for("ended")
    assert "Answer" in asterisk.log_text()
    asterisk.command("core waitfullybooted")
    asterisk.command("core stop gracefully")
    asterisk.__exit__(None, None, None)
    assert "ANSWERED" in (asterisk.log / "cdr-custom" / "Master.csv").read_text()
    assert "HANGUP" in (asterisk.log / "cel-custom" / "Master.csv").read_text()
    with pytest.raises(AsteriskFailed, match="Unable to connect"):
        asterisk.command("core show version")


def test_two_run_side_by_side(
    run_asterisk: RunAsterisk, installation: Installation, tmp_path: Path
) -> None:
    first = run_asterisk("[inbound]\nexten => 100,1,Answer()\n same => n,Wait(5)\n")
    second = PrivateAsterisk(
        installation, tmp_path / "second", extensions="[inbound]\nexten => 100,1,Busy(1)\n"
    )
    with second, Phone("127.0.0.2") as caller:
        answered = caller.call("100", first.sip_address)
        refused = caller.call("100", second.sip_address)
        answered.wait_for("answered")
        refused.wait_for("ended")


def test_a_configuration_that_asterisk_cannot_start_with(
    installation: Installation, tmp_path: Path
) -> None:
    files = {"modules.conf": "[modules]\nautoload = no\nrequire = no_such_module.so\n"}
    asterisk = PrivateAsterisk(installation, tmp_path, extensions="", files=files)
    with pytest.raises(AsteriskFailed, match="no_such_module"), asterisk:
        pass


def test_nothing_outlives_the_process_that_started_it(
    installation: Installation, tmp_path: Path
) -> None:
    """Neither Asterisk nor an AGI script that ignores it, even where that process is killed."""
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    text = f"""
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
with open({str(pids)!r}, "w") as file:
    print(os.getpid(), os.getppid(), file=file, flush=True)
signal.pause()
"""
    stuck = script(tmp_path / "stuck.py", text)
    extensions = f"[inbound]\nexten => 100,1,Answer()\n same => n,AGI({stuck})\n"
    code = f"""
import sys
from pathlib import Path, PosixPath
from callcentre_disclosure.testing.private_asterisk import Installation, PrivateAsterisk
from callcentre_disclosure.testing.sip import Phone
asterisk = PrivateAsterisk({installation!r}, {tmp_path!r}, extensions={extensions!r})
with asterisk, Phone("127.0.0.2") as phone:
    phone.call("100", asterisk.sip_address)
    sys.stdin.read()
"""
    source = os.open(pids, os.O_RDWR)
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        assert select([source], [], [], 60)[0], "the script did not start"
        script_pid, asterisk_pid = map(int, os.read(source, 100).split())
        handles = [os.pidfd_open(script_pid), os.pidfd_open(asterisk_pid)]
        process.kill()
    for handle in handles:
        assert select([handle], [], [], 10)[0], "is still there"
        os.close(handle)
    os.close(source)


def test_a_mirror_that_is_not_there_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_DEBIAN_MIRROR", "http://127.0.0.1:1/debian")
    with pytest.raises(AsteriskUnavailable, match=r"apt-get: failed.*; set CALLCENTRE_DISCLOSURE"):
        obtain("22", tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["asterisk-22.lock"]
