"""A server that takes calls and never says a word, as on a machine that stands still: what
docs/reliability.md says of Asterisk then."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from callcentre_disclosure.testing.installation import Version
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import find_tone
from callcentre_disclosure.testing.sip import Phone
from tests.integration.conftest import asterisk_or_skip

_DIALPLAN = """\
[inbound]
exten => waits,1,Answer()
 same => n,Set(TIMEOUT(absolute)=1)
 same => n,AGI(agi://127.0.0.1:{port}/disclose)
exten => leaves,1,Answer()
 same => n,Set(AGIEXITONHANGUP=yes)
 same => n,Set(TIMEOUT(absolute)=1)
 same => n,Gosub(told,s,1)
 same => n,PlayTones(1000)
 same => n,Wait(0.5)
 same => n,Hangup()
[told]
exten => s,1,AGI(agi://127.0.0.1:{port}/disclose)
exten => T,1,Set(TIMEOUT(absolute)=0)
 same => n,Return()
"""


@pytest.mark.parametrize("version", ["16", "22"])
def test_only_agiexitonhangup_ends_the_wait(version: Version, tmp_path: Path) -> None:
    installation = asterisk_or_skip(version)
    with (
        socket.create_server(("127.0.0.1", 0)) as frozen,
        PrivateAsterisk(
            installation,
            tmp_path / "asterisk",
            extensions=_DIALPLAN.format(port=frozen.getsockname()[1]),
        ) as asterisk,
        Phone("127.0.0.2", number="+33612345678") as caller,
    ):
        stuck = caller.call("waits", asterisk.sip_address)
        goes_on = caller.call("leaves", asterisk.sip_address)
        goes_on.wait_for("ended", timeout=20)
        assert find_tone(goes_on.recording(), 1000), "the dialplan goes on at T, and from there"
        assert stuck.ending is None
        stuck.hang_up()
        left = asterisk.command("core show channels concise").splitlines()
        assert [line.partition("-")[0] for line in left] == ["PJSIP/caller"]
        assert "!AGI!" in left[0]
        for _ in (stuck, goes_on):
            connection, _ = frozen.accept()
            connection.close()
        deadline = time.monotonic() + 20
        while asterisk.command("core show channels concise"):
            assert time.monotonic() < deadline, "a closed connection lets go of the call"
            time.sleep(0.05)
