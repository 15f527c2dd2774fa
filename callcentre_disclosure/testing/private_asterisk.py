"""A real Asterisk for one test or one demonstration, on the loopback interface alone.

    with PrivateAsterisk(obtain("22"), folder, extensions=DIALPLAN) as asterisk:
        call = phone.call("100", asterisk.sip_address)

Everything it reads and writes is in ``folder``: ``etc``, ``log`` (``full`` and ``console``),
``agi-bin``, ``sounds``, ``spool``. It shares no port, file or process with any other Asterisk of
the machine, so several can run at once, and needs no privileges.

How calls reach it and leave it:

* a caller or a trunk is known by the loopback address that it calls from (``callers``), and starts
  in the dialplan's context ``inbound``;
* an agent is the endpoint ``PJSIP/<name>``, on a port of 127.0.0.1 (``agents``).

It listens on 127.0.0.1 and not on every address, so that in a call it looks up neither this
machine's own name nor A.ROOT-SERVERS.NET. At its start it looks up the machine's name all the same;
where that does not resolve and the name server is silent, ``RES_OPTIONS`` makes the stall 2 s
instead of 20.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from callcentre_disclosure.errors import DisclosureError
from callcentre_disclosure.testing.debian import default_cache
from callcentre_disclosure.testing.installation import (
    AsteriskUnavailable,
    Installation,
    obtain,
    system,
)
from callcentre_disclosure.testing.recording import Recording
from callcentre_disclosure.testing.sounds import tone

__all__ = [
    "AsteriskFailed",
    "AsteriskUnavailable",
    "Installation",
    "PrivateAsterisk",
    "default_cache",
    "obtain",
    "system",
]

HOST = "127.0.0.1"
MUSIC_ON_HOLD_HZ = 600
"""What waits in a queue hears this tone, unless ``files`` says otherwise."""

_MODULES = {
    "app": "bridgeaddchan bridgewait cdr celgenuserevent channelredirect chanspy controlplayback "
    "db dial directed_pickup dumpchan echo exec forkcdr if macro milliwatt mixmonitor originate "
    "playback playtones queue read record sayunixtime senddtmf sendtext softhangup stack stasis "
    "system transfer userevent verbose waitforsilence while",
    "bridge": "builtin_features builtin_interval_features holding native_rtp simple softmix",
    "cdr": "custom",
    "cel": "custom",
    "chan": "bridge_media pjsip rtp",
    "codec": "a_mu alaw g722 gsm resample ulaw",
    "format": "gsm pcm sln wav",
    "func": "base64 callerid cdr channel cut db devstate dialgroup dialplan env extstate global "
    "groupcount hangupcause jitterbuffer json lock logic math md5 module periodic_hook pjsip_aor "
    "pjsip_contact pjsip_endpoint presencestate rand sha1 shell sprintf strings sysinfo talkdetect "
    "timeout uri uuid version volume",
    "pbx": "config spool",
    "res": "agi ari ari_applications ari_asterisk ari_bridges ari_channels ari_device_states "
    "ari_endpoints ari_events ari_model ari_playbacks ari_recordings ari_sounds cdrel_custom "
    "clioriginate convert crypto curl http_media_cache http_websocket monitor musiconhold "
    "pjproject pjsip pjsip_acl pjsip_authenticator_digest pjsip_caller_id pjsip_diversion "
    "pjsip_dlg_options pjsip_dtmf_info pjsip_empty_info pjsip_endpoint_identifier_ip "
    "pjsip_endpoint_identifier_user pjsip_header_funcs pjsip_logger "
    "pjsip_messaging pjsip_nat pjsip_outbound_authenticator_digest "
    "pjsip_outbound_registration pjsip_path pjsip_pubsub pjsip_refer pjsip_registrar "
    "pjsip_rfc3326 pjsip_sdp_rtp pjsip_session rtp_asterisk rtp_multicast sorcery_astdb "
    "sorcery_config sorcery_memory speech stasis stasis_answer stasis_device_state stasis_playback "
    "stasis_recording stasis_snoop timing_timerfd tonedetect websocket_client",
}
"""What calls need, of all that this version has; the rest would only slow the start."""

CDR_FIELDS = (
    "uniqueid",
    "linkedid",
    "src",
    "dst",
    "channel",
    "dstchannel",
    "start",
    "answer",
    "end",
    "billsec",
    "disposition",
    "userfield",
)
"""The columns of ``log/cdr-custom/Master.csv``."""

_GENERAL_ONLY = ("ccss.conf", "cli_permissions.conf", "features.conf", "manager.conf", "udptl.conf")
_EMPTY = (
    "acl.conf",
    "pjproject.conf",
    "pjsip_notify.conf",
    "queuerules.conf",
    "res_http_media_cache.conf",
    "stasis.conf",
    "websocket_client.conf",
)


class AsteriskFailed(DisclosureError):
    """The private Asterisk did not start, or refused a command."""


class PrivateAsterisk:
    """An Asterisk that runs for the time of a ``with`` block.

    ``extensions`` and ``queues`` are the texts of extensions.conf (whose context ``inbound`` gets
    the calls) and queues.conf. ``callers`` gives each caller or trunk the loopback address by which
    it is known, ``agents`` each agent the port of 127.0.0.1 where its phone listens, ``languages``
    the language of any of them. ``pjsip_extra`` is appended to pjsip.conf, where
    ``[caller](+)`` adds options to an endpoint. ``files`` adds or replaces configuration files by
    name; ``modules`` names modules to load besides those that calls need (``cdr_csv``).
    ``system_name`` is what its unique ids begin with. ``environment`` is added to that of this
    process for Asterisk and the AGI scripts it starts.

    Raises ``AsteriskFailed`` where it is not up within ``boot_timeout`` seconds.
    """

    def __init__(
        self,
        installation: Installation,
        directory: Path,
        *,
        extensions: str,
        queues: str = "",
        agents: Mapping[str, int] | None = None,
        callers: Mapping[str, str] | None = None,
        languages: Mapping[str, str] | None = None,
        pjsip_extra: str = "",
        files: Mapping[str, str] | None = None,
        modules: Sequence[str] = (),
        system_name: str = "rehearsal",
        environment: Mapping[str, str] | None = None,
        boot_timeout: float = 60.0,
    ) -> None:
        self.installation = installation
        self.directory = directory.absolute()
        self.sip_port = 0
        """UDP port of 127.0.0.1, chosen at the start."""
        self.http_port = 0
        """TCP port of 127.0.0.1 for ARI, chosen at the start."""
        self.ari_user = "rehearsal"
        self.ari_password = secrets.token_hex(16)
        self._extensions = extensions
        self._queues = queues
        self._agents = dict(agents or {})
        self._callers = {"caller": "127.0.0.2"} if callers is None else dict(callers)
        self._languages = dict(languages or {})
        self._pjsip_extra = pjsip_extra
        self._files = dict(files or {})
        self._modules = [*modules]
        self._system_name = system_name
        self._environment = {
            "RES_OPTIONS": "timeout:1 attempts:1",
            **os.environ,
            **(environment or {}),
        }
        self._boot_timeout = boot_timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: subprocess.Popen[bytes] | None = None
        self._console: IO[bytes] | None = None
        self._run = Path()

    # -- where things are ----------------------------------------------------------------------

    @property
    def sip_address(self) -> tuple[str, int]:
        """Where callers call."""
        return HOST, self.sip_port

    @property
    def pid(self) -> int:
        """The id of its process, while it runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def agi_bin(self) -> Path:
        """Where ``AGI(name)`` looks for a script."""
        return self.directory / "agi-bin"

    @property
    def sounds(self) -> Path:
        """Where ``Playback(name)`` looks, after ``<language>/name`` in the same folder."""
        return self.directory / "data" / "sounds"

    @property
    def log(self) -> Path:
        """The folder of ``full``, ``console``, ``cdr-custom/Master.csv``, ``cel-custom/...``."""
        return self.directory / "log"

    def log_text(self) -> str:
        """All that Asterisk has logged so far: notices, warnings, errors, each dialplan step."""
        full = self.log / "full"
        return full.read_text(encoding="utf-8", errors="replace") if full.exists() else ""

    # -- its life ------------------------------------------------------------------------------

    def __enter__(self) -> PrivateAsterisk:
        # A socket's path holds 107 bytes at most, which a test's folder can exceed, and that of a
        # sound in the media cache not many more than its URL: Asterisk makes room for no more.
        self._run = Path(tempfile.mkdtemp(prefix="asterisk-"))
        try:
            self._prepare()
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def command(self, text: str, *, timeout: float = 20.0) -> str:
        """What ``asterisk -rx`` prints. Raises ``AsteriskFailed`` where Asterisk is not there."""
        done = self._remote(text, timeout)
        if done.returncode:
            said = (done.stderr + done.stdout).decode(errors="replace").strip()
            raise AsteriskFailed(f"{text!r} failed: {said}", where=str(self.directory))
        return done.stdout.decode(errors="replace")

    def reload_extensions(self, text: str) -> None:
        """Replaces the dialplan; calls that are under way keep the old one until they leave it."""
        self._extensions = text
        (self.directory / "etc" / "extensions.conf").write_text(text, encoding="utf-8")
        self.command("dialplan reload")

    def crash(self) -> None:
        """Ends Asterisk at once, as a crash would: nobody is told, and no call is ended."""
        assert self._leash is not None
        assert self._process is not None
        assert self._console is not None
        self._leash.communicate()
        self._process.wait()
        self._process = self._leash = None
        self._console.close()

    def restart(self) -> None:
        """Starts Asterisk again after ``crash``: with the same ports and files, but no call."""
        self._run.mkdir(mode=0o700)
        self._start()

    def _remote(self, text: str, timeout: float) -> subprocess.CompletedProcess[bytes]:
        command = [*self.installation.command, *self._configured(), "-rx", text]
        try:
            return subprocess.run(
                command,
                capture_output=True,
                check=False,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            answer = f"no answer within {timeout:.0f} s".encode()
            return subprocess.CompletedProcess(command, 1, b"", answer)

    def _configured(self) -> tuple[str, str]:
        return "-C", str(self.directory / "etc" / "asterisk.conf")

    def _prepare(self) -> None:
        for folder in (
            "etc",
            "log/cdr-csv",
            "log/cdr-custom",
            "log/cel-custom",
            "agi-bin",
            "music",
        ):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
        for folder in ("db", "keys", "spool/outgoing", "spool/recording", "spool/tmp"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
        self.sounds.mkdir(parents=True, exist_ok=True)
        for part in self.installation.data.iterdir():
            link = self.directory / "data" / part.name
            if link.is_symlink():  # of an earlier run, perhaps with another installation
                link.unlink()
            if not link.exists():
                link.symlink_to(part)
        Recording(tone(MUSIC_ON_HOLD_HZ, 10.0)).save(self.directory / "music" / "tone.wav")
        self.sip_port = _free_port(socket.SOCK_DGRAM)
        self.http_port = _free_port(socket.SOCK_STREAM)
        for name, text in {**self._configuration(), **self._files}.items():
            (self.directory / "etc" / name).write_text(text, encoding="utf-8")

    def _start(self) -> None:
        self._console = (self.log / "console").open("ab")
        self._process = subprocess.Popen(
            [*self.installation.command, *self._configured(), "-f"],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # When this process ends, in whatever way, the pipe closes, and what is left is killed.
        self._leash = subprocess.Popen(
            [
                "sh",
                "-c",
                'read _; kill -s KILL -- "-$0"; rm -rf "$1"',
                str(self._process.pid),
                self._run,
            ],
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + self._boot_timeout
        while self._remote("core waitfullybooted", self._boot_timeout).returncode:
            # Its control socket is not there yet, or never will be: whichever shows first.
            self._fail_if_it_ends_within(0.05)
            if time.monotonic() > deadline:
                raise self._failure(f"was not up after {self._boot_timeout:.0f} s")
        listening = f"{HOST}:{self.sip_port}".encode()
        if listening not in self._remote("pjsip show transports", self._boot_timeout).stdout:
            self._fail_if_it_ends_within(1.0)
            raise self._failure(f"does not listen on UDP port {self.sip_port} of {HOST}")

    def _fail_if_it_ends_within(self, seconds: float) -> None:
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            status = self._process.wait(seconds)
            raise self._failure(f"ended with status {status} at its start")

    def _failure(self, what: str) -> AsteriskFailed:
        errors = [line for line in self.log_text().splitlines() if "ERROR" in line]
        console = (self.log / "console").read_text(encoding="utf-8", errors="replace")
        last_words = "\n".join((errors or console.splitlines())[-5:])
        return AsteriskFailed(f"Asterisk {what}\n{last_words}", where=str(self.log))

    def _stop(self) -> None:
        """Ends Asterisk and whatever it started, and waits for it; the logs stay."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10.0)
        if self._leash is not None:
            self._leash.communicate()
        if self._process is not None:
            self._process.wait()
        self._process = self._leash = None
        if self._console is not None:
            self._console.close()
        shutil.rmtree(self._run, ignore_errors=True)

    # -- its configuration ---------------------------------------------------------------------

    def _configuration(self) -> dict[str, str]:
        here = self.directory
        names = [f"{kind}_{name}" for kind, names in _MODULES.items() for name in names.split()]
        modules = [
            module
            for name in names + self._modules
            if (self.installation.modules / (module := f"{name}.so")).exists()
        ]
        return {
            "asterisk.conf": f"""[directories]
astetcdir => {here}/etc
astmoddir => {self.installation.modules}
astvarlibdir => {here}
astcachedir => {self._run}
astdbdir => {here}/db
astkeydir => {here}
astdatadir => {here}/data
astagidir => {self.agi_bin}
astspooldir => {here}/spool
astrundir => {self._run}
astlogdir => {self.log}
astsbindir => {Path(self.installation.command[-1]).parent}

[options]
; On a machine that is busy otherwise sounds would stutter. (Asterisk does this only as root.)
highpriority = yes
verbose = 5
nocolor = yes
systemname = {self._system_name}
entityid = 02:00:00:00:00:01
""",
            "modules.conf": "[modules]\nautoload = no\n"
            + "".join(f"load = {module}\n" for module in modules),
            "logger.conf": """[general]
dateformat = %F %T.%3q
[logfiles]
full => notice,warning,error,verbose(5)
""",
            "extensions.conf": self._extensions,
            "queues.conf": self._queues or "[general]\n",
            "pjsip.conf": self._pjsip(),
            "rtp.conf": "[general]\nrtpstart = 10000\nrtpend = 20000\nicesupport = no\n",
            "http.conf": f"""[general]
enabled = yes
bindaddr = {HOST}
bindport = {self.http_port}
""",
            "ari.conf": f"""[general]
enabled = yes
[{self.ari_user}]
type = user
password = {self.ari_password}
""",
            "musiconhold.conf": f"[default]\nmode = files\ndirectory = {here}/music\n",
            "cdr.conf": "[general]\nenable = yes\nunanswered = yes\n",
            "indications.conf": """[general]
country = fr
[fr]
description = France
ringcadence = 1500,3500
dial = 440
busy = 440/500,0/500
ring = 440/1500,0/3500
congestion = 440/250,0/250
callwaiting = 440/300,0/10000
dialrecall = !350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440
record = 1400/500,0/15000
info = !950/330,!1400/330,!1800/330
stutter = !440/100,!0/100,!440/100,!0/100,!440/100,!0/100,!440/100,!0/100,440
""",
            "cel.conf": "[general]\nenable = yes\napps = all\nevents = ALL\n",
            "cel_custom.conf": "[mappings]\n"
            "Master.csv => ${eventtime},${eventtype},${CHANNEL(uniqueid)},${CHANNEL(linkedid)},"
            "${CHANNEL},${CHANNEL(appname)},${CSV_QUOTE(${eventextra})}\n",
            "cdr_custom.conf": "[mappings]\nMaster.csv => "
            + ",".join(f"${{CSV_QUOTE(${{CDR({field})}})}}" for field in CDR_FIELDS)
            + "\n",
            **dict.fromkeys(_GENERAL_ONLY, "[general]\n"),
            **dict.fromkeys(_EMPTY, ""),
        }

    def _pjsip(self) -> str:
        sections = [f"[udp]\ntype = transport\nprotocol = udp\nbind = {HOST}:{self.sip_port}\n"]
        for name, address in self._callers.items():
            sections += [
                self._endpoint(name, "identify_by = ip"),
                f"[{name}-source]\ntype = identify\nendpoint = {name}\nmatch = {address}\n",
            ]
        for name, port in self._agents.items():
            sections += [
                self._endpoint(name, f"aors = {name}"),
                f"[{name}]\ntype = aor\ncontact = sip:{name}@{HOST}:{port}\n",
            ]
        return "\n".join([*sections, self._pjsip_extra])

    def _endpoint(self, name: str, extra: str) -> str:
        return f"""[{name}]
type = endpoint
transport = udp
context = inbound
language = {self._languages.get(name, "en")}
allow = !all,ulaw,alaw
direct_media = no
media_address = {HOST}
bind_rtp_to_media_address = yes
rtp_symmetric = no
trust_id_inbound = yes
send_pai = yes
timers = no
100rel = no
{extra}
"""


def _free_port(kind: socket.SocketKind) -> int:
    """A port of 127.0.0.1 that nothing uses at the moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
