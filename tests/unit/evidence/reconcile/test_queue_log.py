from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from callcentre_disclosure.errors import EvidenceError
from callcentre_disclosure.evidence.reconcile import queue_log
from callcentre_disclosure.evidence.reconcile.calls import SILENT
from callcentre_disclosure.evidence.reconcile.rows import Reading
from tests.unit.evidence.reconcile.scenes import at, talked

S = int(at(0).timestamp())


def test_who_was_given_which_caller(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    log.write_text(
        f"{S}|NONE|NONE|NONE|QUEUESTART|\n"
        f"{S + 1}|pbx-1.1|support|NONE|ENTERQUEUE||+33612345678|1\n"
        f"{S + 5}|pbx-1.1|support|PJSIP/201|CONNECT|4|pbx-1.2|1\n"
        f"{S + 6}|pbx-1.5|support|PJSIP/301|CONNECT|4|pbx-1.6|1\n"
        f"{S + 9}|pbx-1.1|support|PJSIP/201|COMPLETECALLER|4|4|1\n"
        f"{S + 9}|pbx-1.5|support|PJSIP/301|BLINDTRANSFER|301|inbound|1|3|1\n"
        f"{S + 10}|pbx-1.8|support|Yasmine Trabelsi|CONNECT|4|pbx-1.9|1\n"
        f"{S + 10}|pbx-1.7|supp"
    )
    first, second, last = queue_log.calls([str(log)], Reading())
    assert talked(first) == [("", "PJSIP/201", 5, 9)]
    assert first.ids == {"pbx-1.1"}
    assert first.connections[0].resolution == timedelta(seconds=1)
    assert talked(second) == [("", "PJSIP/301", 6, 9)]
    assert talked(last) == [("", "Yasmine Trabelsi", 10, None)]


def test_who_hung_up_in_the_announcement_was_given_to_nobody(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    log.write_text(
        f"{S + 5}|pbx-1.1|support|PJSIP/201|CONNECT|4|pbx-1.2|1\n"
        f"{S + 6}|pbx-1.1|support|PJSIP/201|COMPLETECALLER|4|0|1\n"
    )
    assert list(queue_log.calls([str(log)], Reading())) == []


#: The call is handed over by an application: of its end another unique id is written.
HANDED_OVER = f"""\
{S + 5}|pbx-1.1|support|PJSIP/201|CONNECT|2|pbx-1.2|0
{S + 6}|pbx-1.3|support|PJSIP/201|ATTENDEDTRANSFER|APP|Bridge|2|1|1
"""


def test_who_is_handed_over_is_in_a_call_without_an_end(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    log.write_text(HANDED_OVER)
    (call,) = queue_log.calls([str(log)], Reading())
    assert talked(call) == [("", "PJSIP/201", 5, None)]
    log.write_text(f"{HANDED_OVER}{S + 9}|pbx-1.1|support|PJSIP/301|CONNECT|2|pbx-1.4|0\n")
    first, second = queue_log.calls([str(log)], Reading())
    assert talked(first) == [("", "PJSIP/201", 5, 9)], "until another queue connects them"
    assert talked(second) == [("", "PJSIP/301", 9, None)]


def test_a_call_without_an_end_is_let_go(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    later = S + int(SILENT.total_seconds()) + 6
    log.write_text(
        f"{HANDED_OVER}{later}|pbx-1.5|support|PJSIP/301|CONNECT|4|pbx-1.6|1\n"
        f"{later + 3}|pbx-1.5|support|PJSIP/301|COMPLETECALLER|4|4|1\n"
    )
    assert [call.id for call in queue_log.calls([str(log)], Reading())] == ["pbx-1.1", "pbx-1.5"]


def test_a_line_that_was_cut_is_named_and_a_file_of_another_kind_refused(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    whole = f"{S + 5}|pbx-1.1|support|PJSIP/201|CONNECT|4|pbx-1.2|1\n"
    log.write_text(f"{whole}{S + 6}|pbx-1.1|supp\n{whole.replace('1.1', '1.3')}")
    reading = Reading()
    assert [call.id for call in queue_log.calls([str(log)], reading)] == ["pbx-1.1", "pbx-1.3"]
    assert reading.broken.found == [f"{log}:2"]
    log.write_text("CHAN_START,1\nCHAN_END,2\n")
    with pytest.raises(EvidenceError, match="none of the log of the queues"):
        list(queue_log.calls([str(log)], Reading()))
