from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from callcentre_disclosure.evidence.reconcile import queue_log
from callcentre_disclosure.evidence.reconcile.calls import SILENT
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
    first, second, last = queue_log.calls([str(log)])
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
    assert list(queue_log.calls([str(log)])) == []


#: The call is handed over by an application: of its end another unique id is written.
HANDED_OVER = f"""\
{S + 5}|pbx-1.1|support|PJSIP/201|CONNECT|2|pbx-1.2|0
{S + 6}|pbx-1.3|support|PJSIP/201|ATTENDEDTRANSFER|APP|Bridge|2|1|1
"""


def test_who_is_handed_over_is_in_a_call_without_an_end(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    log.write_text(HANDED_OVER)
    (call,) = queue_log.calls([str(log)])
    assert talked(call) == [("", "PJSIP/201", 5, None)]
    log.write_text(f"{HANDED_OVER}{S + 9}|pbx-1.1|support|PJSIP/301|CONNECT|2|pbx-1.4|0\n")
    first, second = queue_log.calls([str(log)])
    assert talked(first) == [("", "PJSIP/201", 5, 9)], "until another queue connects them"
    assert talked(second) == [("", "PJSIP/301", 9, None)]


def test_a_call_without_an_end_is_given_while_its_records_are_at_hand(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    later = S + int(SILENT.total_seconds()) + 6
    log.write_text(
        f"{HANDED_OVER}{later}|pbx-1.5|support|PJSIP/301|CONNECT|4|pbx-1.6|1\n"
        f"{later + 3}|pbx-1.5|support|PJSIP/301|COMPLETECALLER|4|4|1\n"
    )
    assert [call.id for call in queue_log.calls([str(log)])] == ["pbx-1.1", "pbx-1.5"]
