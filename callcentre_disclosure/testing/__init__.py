"""For tests of a dialplan or a configuration: a call centre with a fake Asterisk or a private one.

``FakeChannel`` is one call over AGI, in no time; the pytest fixture ``fake_channel`` makes them.
``fake_ari`` has an Asterisk for the same calls over ARI, with agents, in real time; the fixture
``fake_asterisk`` starts it (needs aiohttp, of ``callcentre-disclosure[ari]``).
``private_asterisk``, ``sip`` and ``recording`` are the real thing on this machine: an Asterisk of
your own, telephones, and what the caller heard.
"""

from __future__ import annotations

from .fake_channel import FakeChannel, Fault, UnscriptedCommandError

__all__ = ["FakeChannel", "Fault", "UnscriptedCommandError"]
