"""What Asterisk says of itself is read as it writes it (16.28 and 22.10)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from callcentre_disclosure.doctor.console import Switch, console, look, written_dialplan

ANSWERS = {
    "core show settings": """
PBX Core settings
-----------------
  Version:                     certified/18.9-cert5
  System name:                 paris
  Min DTMF duration::          80
  PID file:                    /run/asterisk/asterisk.pid
  AGI Scripts directory:       /usr/share/asterisk/agi-bin
""",
    "module show": """\
Module                         Description                              Use Count  Status
acl                            Named ACL system                         2          Running      core
app_dial.so                    Dialing Application                      0          Running      core
app_queue.so                   True Call Queueing                       0          Not Running  core
""",
    "core show applications": """\
    -= Registered Asterisk Applications =-
                   AGI: Executes an AGI compliant application.
                  Dial: Attempt to connect to another device: then ring.
""",
    "core show functions": """\
Installed Custom Functions:
--------------------------------------------------------------------------------
CHANNEL_EXISTS        CHANNEL_EXISTS(name_or_uid)          Checks for the existence of a channel
""",
    "core show file formats": """\
Format     Name       Extensions
------     ----       ----------
slin       wav        wav
ulaw       pcm        pcm|ulaw|ul|mu|ulw
16 file formats registered.
""",
    "dialplan show": """\
[ Context 'from-trunk' created by 'pbx_config' ]
  '_X.' (CID match '') =>  1. NoOp([a] b)                     [extensions.conf:4]
     [again]        2. Dial(PJSIP/1,20)                           [extensions.conf:5]
  'h' =>            1. Hangup()                                   [extensions.conf:6]
  Include =>        'disclosure-inbound'                          [pbx_config]

-= 2 extensions (3 priorities) in 1 context. =-
""",
}


def asked(answers: Mapping[str, str]) -> Switch | None:
    return look(answers.get)


def test_everything_is_read() -> None:
    assert asked(ANSWERS) == Switch(
        version=(18, 9),
        settings={
            "Version": "certified/18.9-cert5",
            "System name": "paris",
            "Min DTMF duration": "80",
            "PID file": "/run/asterisk/asterisk.pid",
            "AGI Scripts directory": "/usr/share/asterisk/agi-bin",
        },
        modules=frozenset({"app_dial"}),
        applications=frozenset({"AGI", "DIAL"}),
        functions=frozenset({"CHANNEL_EXISTS"}),
        formats={"wav": "slin", **dict.fromkeys(("pcm", "ulaw", "ul", "mu", "ulw"), "ulaw")},
        contexts={
            "from-trunk": {
                "_X.": ["1. NoOp([a] b)", "2. Dial(PJSIP/1,20)"],
                "h": ["1. Hangup()"],
            }
        },
        includes=frozenset({"disclosure-inbound"}),
    )


def test_no_asterisk() -> None:
    assert asked({}) is None
    assert asked({"core show settings": "Unable to connect to remote asterisk"}) is None


def test_a_program_that_is_not_there_does_not_answer(tmp_path: Path) -> None:
    assert console([str(tmp_path / "asterisk")])("core show version") is None
    assert console(["false"])("core show version") is None


def test_what_is_written_is_read_as_it_would_be_shown() -> None:
    text = """\
; A remark
[one]
exten => s,1,Goto(caller,1)
exten => s,2,Wait(120)
exten => _[+0-9]!,1,Answer()
 same => n(told),Return()
"""
    assert written_dialplan(text) == {
        "one": {
            "s": ["1. Goto(caller,1)", "2. Wait(120)"],
            "_[+0-9]!": ["1. Answer()", "2. Return()"],
        }
    }
