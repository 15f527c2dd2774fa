"""The pytest plugin: the fixture ``fake_channel``, and its conversations where a test fails."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest

from .fake_channel import FakeChannel

_CALLS = pytest.StashKey[list[FakeChannel]]()


@pytest.fixture
def fake_channel(request: pytest.FixtureRequest) -> Callable[..., FakeChannel]:
    """Makes ``FakeChannel``s. What they and the program said is shown if the test fails."""
    calls: list[FakeChannel] = request.node.stash.setdefault(_CALLS, [])

    def channel(*arguments: object, **keywords: object) -> FakeChannel:
        calls.append(FakeChannel(*arguments, **keywords))  # type: ignore[arg-type]
        return calls[-1]

    return channel


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what was said to the report of a test that failed."""
    report = yield
    if report.failed:
        calls: list[FakeChannel] = item.stash.get(_CALLS, [])
        for number, call in enumerate(calls, 1):
            said = "\n".join([*call.conversation, f"timeline: {call.timeline}"])
            report.sections.append((f"AGI conversation {number}", said))
    return report
