from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


def test_a_failed_test_shows_what_was_said(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_call(fake_channel):
            channel = fake_channel("100")

            class Program:
                done = False
                deadline = 5.0
                def receive(self, data, now):
                    self.done = data == b"200 result=0\\n"
                    return b"" if self.done else b"ANSWER\\n"

            channel.run(Program())
            assert channel.heard == ["something"]
        """
    )
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        ["*AGI conversation 1*", "-> ANSWER", "<- 200 result=0", "timeline: *answered*connected*"]
    )
