"""A call centre for benchmarks: its configuration and sounds on disk, an Asterisk, our servers.

Its sounds are stand-ins of whole packets, each unlike any other, as .wav files that G.711 does not
change: what a telephone hears is known packet by packet.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from callcentre_disclosure.asterisk.dialplan import dialplan
from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import ManifestEntry, write_manifest
from callcentre_disclosure.testing.g711 import SAMPLE_RATE
from callcentre_disclosure.testing.installation import Installation
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import Recording
from callcentre_disclosure.testing.sounds import pause
from tests.call_centre import BIN, CallCentre, Server

from .ears import Ear, spoken

#: Where callers call from.
CALLERS = "127.0.0.2"
#: Asterisk leaves out as many bytes of a .wav file's end as its header has, 44 (16.28, 22.10).
_UNHEARD = 22
#: As Asterisk comes: no line for each step of the dialplan.
_LOGGER = "[general]\ndateformat = %F %T.%3q\n[logfiles]\nfull => notice,warning,error\n"
#: Every call of the numbers of the configuration that no line before has taken.
_OUR_DIALPLAN = """
include => disclosure-inbound
"""


class House:
    """A call centre in a folder.

    ``configuration`` is that of the product without its sounds and its evidence, ``extensions`` the
    lines of the context ``inbound`` before those that our ``dialplan`` has written, ``voices`` the
    tone in Hz of each agent.
    """

    def __init__(
        self,
        folder: Path,
        installation: Installation,
        running: ExitStack,
        *,
        configuration: str,
        voices: Mapping[str, int],
        packets: int,
        extensions: str = "",
        queues: str = "",
    ) -> None:
        self.ear = Ear()
        self.says = {
            agent: self.ear.learn_voice(agent, hz, number)
            for number, (agent, hz) in enumerate(voices.items())
        }
        self.agents_port = _free_udp_port()
        self.centre = CallCentre(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.centre.path.write_text(_COMMON + configuration)
        self._make_sounds(packets)
        self.server = Server(self.centre)
        running.callback(self.server.stop)
        server = f"127.0.0.1:{self.server.port}"
        written = dialplan(load(self.centre.path), installation.major, server)
        self.asterisk = running.enter_context(
            PrivateAsterisk(
                installation,
                folder / "asterisk",
                extensions=(
                    f"#include extensions_disclosure.conf\n[inbound]\n{extensions}{_OUR_DIALPLAN}"
                ),
                files={"extensions_disclosure.conf": written, "logger.conf": _LOGGER},
                queues=queues,
                agents=dict.fromkeys(voices, self.agents_port),
                callers={"caller": CALLERS},
                languages={"caller": "fr"},
                environment=self.centre.environment,
            )
        )
        script = self.asterisk.agi_bin / "callcentre-disclosure-agi"
        script.symlink_to(BIN / "callcentre-disclosure-agi")

    def sound(self, name: str) -> str:
        """A sound's file as Asterisk is asked for it."""
        (file,) = (self.centre.folder / "sounds").glob(f"{name}-????????.wav")
        return str(file.with_suffix(""))

    def connect_handler_to(self, port: int) -> None:
        """Name in the configuration the Asterisk for which the handler works."""
        folder = self.centre.folder
        (folder / "ari-password").write_text(self.asterisk.ari_password)
        (folder / "ari-password").chmod(0o600)
        with self.centre.path.open("a") as configuration:
            configuration.write(
                f"ari: {{asterisks: {{pbx: {{url: 'http://127.0.0.1:{port}', "
                f"user: {self.asterisk.ari_user}, password_file: ari-password}}}}}}\n"
            )

    def _make_sounds(self, packets: int) -> None:
        folder = self.centre.folder / "sounds"
        entries = {}
        for wanted in needed(load(self.centre.path)):
            name = wanted.sound_name
            samples = spoken(name, packets)
            self.ear.learn(name.rpartition("-")[0] if "-" in name else name, samples)
            file = folder / f"{name}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            recording = Recording(samples + pause(_UNHEARD / SAMPLE_RATE))
            recording.save(file)
            entries[name] = ManifestEntry(
                wanted.text, {"wav": "0" * 64}, recording.duration, -22.0, "stand-in"
            )
        write_manifest(folder, entries)


_COMMON = """\
languages: [fr]
numbering: {country_code: "33", trunk_prefix: "0"}
sounds: {folder: sounds}
evidence: {file: evidence.sqlite}
"""


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
