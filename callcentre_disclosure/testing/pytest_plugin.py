"""The pytest plugin: the fixtures ``fake_channel`` and ``fake_asterisk``, and what was said to them
where a test fails."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from .fake_channel import FakeChannel

if TYPE_CHECKING:
    from .fake_ari import FakeAsterisk

_CALLS = pytest.StashKey[list[FakeChannel]]()
_ASTERISKS = pytest.StashKey[list["FakeAsterisk"]]()


@pytest.fixture
def fake_channel(request: pytest.FixtureRequest) -> Callable[..., FakeChannel]:
    """Makes ``FakeChannel``s. What they and the program said is shown if the test fails."""
    calls: list[FakeChannel] = request.node.stash.setdefault(_CALLS, [])

    def channel(*arguments: object, **keywords: object) -> FakeChannel:
        calls.append(FakeChannel(*arguments, **keywords))  # type: ignore[arg-type]
        return calls[-1]

    return channel


@pytest.fixture
def fake_asterisk(request: pytest.FixtureRequest) -> Iterator[Callable[..., FakeAsterisk]]:
    """Starts ``FakeAsterisk``s for the time of the test. What they and the program said is shown if
    it fails. Needs aiohttp, which ``callcentre-disclosure[ari]`` brings."""
    from .fake_ari import FakeAsterisk

    asterisks: list[FakeAsterisk] = request.node.stash.setdefault(_ASTERISKS, [])
    with ExitStack() as running:

        def asterisk(**keywords: Any) -> FakeAsterisk:
            asterisks.append(FakeAsterisk(**keywords))
            return running.enter_context(asterisks[-1])

        yield asterisk


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
            report.sections.append((f"{call.protocol} conversation {number}", said))
        asterisks: list[FakeAsterisk] = item.stash.get(_ASTERISKS, [])
        for number, asterisk in enumerate(asterisks, 1):
            agents = [f"{name}: {agent.timeline}" for name, agent in asterisk.agents.items()]
            said = "\n".join([*asterisk.conversation, *agents])
            report.sections.append((f"Asterisk {number}", said))
    return report
