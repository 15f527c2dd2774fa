"""What the handler tells whoever measures it."""

from __future__ import annotations

from typing import NoReturn

from callcentre_disclosure.asterisk.ari.asterisk import Asterisk
from callcentre_disclosure.asterisk.stasis.call import Office
from callcentre_disclosure.asterisk.stasis.handler import Handler
from tests.unit.asterisk.ari.other_end import journey

from .switch import FarSwitch


def nobody(_: object) -> NoReturn:
    raise AssertionError("nobody calls")


def test_a_connection_that_comes_or_goes_is_told_at_once() -> None:
    """Not with the next heartbeat: until then the page of health would say that it is away."""

    async def steps() -> None:
        told: list[bool] = []
        handler = Handler(
            "callcentre-disclosure",
            Office(nobody, nobody),
            lambda: told.append(far.asterisk.connected),
        )
        far = FarSwitch(Asterisk("pbx", handler))
        connection = far.connect()
        await far.asterisk.there()
        assert told == [True]
        await far.disconnect(connection)
        assert told == [True, False]

    journey(steps())
