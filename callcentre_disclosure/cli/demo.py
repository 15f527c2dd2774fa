"""``demo``: a whole announced call on this machine, and what the caller heard of it."""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from callcentre_disclosure import Disclosure
from callcentre_disclosure.asterisk.dialplan import dialplan
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.disclosure.announcement import Prompt
from callcentre_disclosure.errors import DisclosureError
from callcentre_disclosure.testing import FakeChannel
from callcentre_disclosure.testing.installation import (
    AsteriskUnavailable,
    Installation,
    obtain,
    system,
)
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import Recording, find, find_tone
from callcentre_disclosure.testing.sip import Call, Phone
from callcentre_disclosure.testing.sounds import pause

NUMBER = "+33184880001"
CALLER = "+33612345678"
AGENT = "201"
#: What the agent says: a tone, so that there is no doubt who is heard when.
AGENT_HZ = 1000
AGENT_SECONDS = 1.5
LANGUAGE = "fr"


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where the recording, the evidence and the logs are left.",
)
@click.option("--fake", is_flag=True, help="Without Asterisk, on the built-in fake channel.")
def command(folder: Path, fake: bool) -> None:
    """Make a whole announced call on this machine and say what the caller heard.

    On the Asterisk of this machine (a private one, with folders and ports of its own), else on one
    that is fetched from Debian without any privileges, else on the built-in fake channel.
    Exit 1 when the caller was not told before the agent was heard.
    """
    if not fake:
        _see_that_we_have_ears()
    folder.mkdir(parents=True, exist_ok=True)
    config = _configuration(folder.absolute())
    installation = None if fake else _asterisk()
    if installation is None:
        told = _on_a_fake(config, folder)
    else:
        click.echo(f"This is a real call on Asterisk {installation.version}.\n")
        told = _on_asterisk(installation, config, folder)
    click.echo(f"\nWhat the caller heard: {folder / 'what-the-caller-heard.wav'}")
    click.echo(f"The evidence:          {_us()} evidence list --config {shlex.quote(str(config))}")
    if not told:
        click.echo("The caller was NOT told before the agent was heard.", err=True)
        raise click.exceptions.Exit(1)


def _see_that_we_have_ears() -> None:
    try:
        import numpy  # noqa: F401
    except ImportError as missing:
        raise DisclosureError(
            "what the caller heard is recognised with numpy, which is not installed",
            remedy="pip install 'callcentre-disclosure[speech]', or make a call with --fake",
        ) from missing


def _configuration(folder: Path) -> Path:
    """The example, with its files in the folder of the demonstration."""
    text = shipped("config.example.yaml").read_text(encoding="utf-8")
    path = folder / "config.yaml"
    path.write_text(text.replace("/var/lib/callcentre-disclosure", str(folder)), encoding="utf-8")
    for left in (*folder.glob("evidence.sqlite*"), *folder.glob("checkpoints/*.json")):
        left.unlink()
    return path


def _us() -> str:
    """How this program was called, so that it is found by a shell: a virtual environment need not
    be on PATH."""
    name = str(click.get_current_context().find_root().info_name)
    is_by_path = Path(sys.argv[0]).name == name and not shutil.which(name)
    return shlex.quote(sys.argv[0]) if is_by_path else name


def _asterisk() -> Installation | None:
    found = system()
    if found is not None:
        return found
    click.echo("No Asterisk here; taking Debian's, from a cache (about 80 MB, fetched once) ...")
    try:
        return obtain("22")
    except AsteriskUnavailable as problem:
        click.echo(f"{problem}\n")
        return None


def _on_a_fake(config: Path, folder: Path) -> bool:
    click.echo("This call is made on the built-in FAKE channel: no Asterisk, no sound on a wire.\n")
    disclosure = Disclosure.from_file(config)
    prompts = {prompt.announcement.text: prompt for prompt in disclosure.prompts()}
    recording = array("h")
    told = []
    unique_id = f"{int(time.time())}.1"
    for title, arguments in (
        (f"{CALLER} calls {NUMBER}", ()),
        ("the agent answers", ("stage=answered", f"agent=PJSIP/{AGENT}")),
    ):
        channel = FakeChannel(
            NUMBER,
            caller=CALLER,
            unique_id=unique_id,
            arguments=arguments,
            sounds=prompts.values(),
        )
        driver = disclosure.agi(channel.now)
        channel.run(driver)
        if driver.record:
            disclosure.keep([driver.record])
        _say(len(recording) / 8000, title)
        for text in channel.heard:
            _say(len(recording) / 8000, f'the caller hears "{text}"')
            recording += Recording.load(Path(prompts[text].sound.path)).samples + pause(0.5)
        told.append(channel.variables.get("DISCLOSURE_STATUS") == "DISCLOSED")
    _say(len(recording) / 8000, "the caller and the agent are connected")
    Recording(recording).save(folder / "what-the-caller-heard.wav")
    return all(told)


def _on_asterisk(installation: Installation, config: Path, folder: Path) -> bool:
    with (
        _fastagi(config, folder) as server,
        Phone("127.0.0.2", number=CALLER) as caller,
        Phone(number=AGENT, answer_after=1.5, play=AGENT_HZ) as agent,
        PrivateAsterisk(
            installation,
            folder / "asterisk",
            extensions=_extensions(config, server, installation),
            queues=(
                f"[customer-service]\nsetinterfacevar=yes\nringinuse=no\nmember => PJSIP/{AGENT}\n"
            ),
            agents={AGENT: agent.port},
            languages={"caller": LANGUAGE},
        ) as asterisk,
    ):
        sounds = Disclosure.from_file(config).prompts()
        prompts = [prompt for prompt in sounds if prompt.announcement.language == LANGUAGE]
        call = caller.call(NUMBER, asterisk.sip_address)
        leg = agent.next_call(timeout=30)
        connected = leg.t0 - call.t0 + leg.wait_for("answered", timeout=30)
        longest = max(prompt.sound.seconds for prompt in prompts)
        call.wait_until(connected + longest + AGENT_SECONDS)
        call.hang_up()
        leg.wait_for("ended")
        recording = call.recording()
        recording.save(folder / "what-the-caller-heard.wav")
        return _tell(call, leg, recording, prompts)


def _extensions(config: Path, server: str, installation: Installation) -> str:
    """What an administrator would write: two lines, and what `dialplan` writes."""
    written = dialplan(load(config), installation.major, server)
    return f"[inbound]\ninclude => disclosure-inbound\n\n{written}"


def _tell(call: Call, leg: Call, recording: Recording, prompts: list[Prompt]) -> bool:
    """Print the call as it happened; whether all was said before the agent was heard.

    What was heard is recognised in the recording of what the caller received.
    """
    ringing = leg.t0 - call.t0
    moments = [
        (0.0, f"{CALLER} calls {NUMBER}"),
        (call.wait_for("answered"), "Asterisk answers the call"),
        (ringing, f"the telephone of agent PJSIP/{AGENT} rings"),
        (ringing + leg.wait_for("answered"), "the agent answers, and is not connected yet"),
        (call.wait_for("ended"), "the caller hangs up"),
    ]
    ends = []
    for prompt in prompts:
        match = find(recording, Path(prompt.sound.path))
        if match and match.complete:
            heard = f'the caller hears "{prompt.announcement.text}"'
            moments.append((match.start, f"{heard} ({match.end - match.start:.1f} s, complete)"))
            ends.append(match.end)
    agent = [span for span in find_tone(recording, AGENT_HZ) if span[1] - span[0] > 0.3]
    if agent:
        moments.append((agent[0][0], f"the caller hears the agent (a tone of {AGENT_HZ} Hz)"))
    for at, what in sorted(moments):
        _say(at, what)
    return len(ends) == 2 and bool(agent) and max(ends) <= agent[0][0]


def _say(at: float, what: str) -> None:
    click.echo(f"{at:7.2f} s  {what}")


@contextmanager
def _fastagi(config: Path, folder: Path) -> Iterator[str]:
    """A FastAGI server in a process of its own; its address as the dialplan writes it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "callcentre_disclosure", "fastagi"]
    with (
        (folder / "fastagi.log").open("w+", encoding="utf-8") as log,
        subprocess.Popen(
            [*command, "--config", str(config), "--listen", address],
            stderr=subprocess.PIPE,
            text=True,
        ) as server,
    ):
        assert server.stderr is not None
        try:
            for line in server.stderr:
                log.write(line)
                if " serves" in line:
                    break
            yield address
        finally:
            server.terminate()
            log.writelines(server.stderr)
