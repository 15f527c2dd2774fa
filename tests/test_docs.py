"""What the README and the documentation show is what the product does: every command, every
configuration, every dialplan and every piece of Python in them is run here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from callcentre_disclosure import Disclosure
from callcentre_disclosure.cli.main import commands
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.testing import FakeChannel
from tests.dialplans import (
    INCLUDED,
    announced_answer,
    announced_dial,
    announced_queue,
    held,
    held_calls_made,
    held_transfers,
)
from tests.integration.test_announced_calls import SCRIPT_AS_HOOK
from tests.integration.test_reconcile import CEL

ROOT = Path(__file__).parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
BIN = Path(sys.executable).parent

pytest_plugins = ["pytester"]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks() -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            yield Block(page, line, match[1], match[2])


def of(language: str) -> list[Block]:
    return [block for block in blocks() if block.language == language]


def test_every_block_is_of_a_kind_that_is_run_here() -> None:
    assert {block.language for block in blocks()} == {"sh", "ini", "yaml", "python", "text"}


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python(block: Block, pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("config.example.yaml").write_text(example(pytester.path))
    pytester.path.joinpath("test_block.py").write_text(block.text, encoding="utf-8")
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    if "def test_" in block.text:
        done.assert_outcomes(passed=block.text.count("def test_"))
    else:
        assert done.ret == pytest.ExitCode.NO_TESTS_COLLECTED, "it runs when it is imported"


FIRST_LINES = "languages: [fr, en]\n"
SITES = "sites: {casablanca: {country: MA}, lyon: {country: FR}}\n"


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_configuration(block: Block, tmp_path: Path) -> None:
    text = block.text
    for key, missing in (("languages", FIRST_LINES), ("sites", SITES)):
        if not re.search(rf"^{key}:", text, re.MULTILINE):
            text += missing
    (tmp_path / "agents.csv").write_text("interface,site,country\nPJSIP/1,lyon,\n")
    (tmp_path / "texts").mkdir()
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    load(tmp_path / "config.yaml")


DIALPLANS = [
    INCLUDED,
    announced_queue("customer-service"),
    announced_dial("PJSIP/201&PJSIP/301"),
    announced_answer("PJSIP/201&PJSIP/301"),
    f" same => n,Queue(customer-service,r,,,300,{SCRIPT_AS_HOOK})\n",
    CEL,
    held("_01848800XX"),
    held_transfers("_[234]01"),
    held_calls_made("_0[67]XXXXXXXX", "PJSIP/${EXTEN}@trunk", "premium"),
]


@pytest.mark.parametrize("block", of("ini"), ids=str)
def test_dialplan(block: Block) -> None:
    """The dialplans are those that tests/integration runs on real Asterisks."""
    assert block.text in DIALPLANS


def test_what_the_example_leaves_out_fits_into_it(tmp_path: Path) -> None:
    text = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    _, _, section = text.partition("# ari:\n")
    (tmp_path / "config.yaml").write_text(f"{text}ari:\n{section.replace('# ', '')}")
    ari = load(tmp_path / "config.yaml").ari
    assert ari is not None
    assert ari.asterisks["pbx"].password_file == tmp_path / "ari-password"


def example(folder: Path) -> str:
    text = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    return text.replace("/var/lib/callcentre-disclosure", str(folder))


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder in which the paths that an administrator types lie below ``tmp_path``, on a day on
    which calls were announced already."""
    folders = ("opt", "usr/local/bin", "var/lib/asterisk/agi-bin", "prompts")
    for folder in (*folders, "etc/callcentre-disclosure", "var/log/asterisk/cel-custom"):
        (tmp_path / folder).mkdir(parents=True)
    state = str(tmp_path / "var/lib/callcentre-disclosure")
    text = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    config = tmp_path / "etc/callcentre-disclosure/config.yaml"
    for file in (config, tmp_path / "config.example.yaml"):
        file.write_text(text.replace("/var/lib/callcentre-disclosure", state), encoding="utf-8")
    disclosure = Disclosure.from_file(config)
    for arguments in ((), ("stage=answered", "agent=PJSIP/201")):
        channel = FakeChannel(
            "+33184880001",
            caller="+33612345678",
            arguments=arguments,
            sounds=disclosure.prompts(),
        )
        driver = disclosure.agi(channel.now)
        channel.run(driver)
        assert driver.record is not None
        disclosure.keep([driver.record])
    disclosure.close()
    (tmp_path / "var/log/asterisk/cel-custom/Master.csv").touch()
    return tmp_path


@pytest.mark.parametrize("page", sorted({b.page for b in of("sh")}), ids=lambda p: p.stem)
def test_commands(page: Path, machine: Path) -> None:
    """The commands of a page, in its order, in one place."""
    environment = {
        **os.environ,
        "PATH": f"{machine}/usr/local/bin:{BIN}:{os.environ['PATH']}",
        "CALLCENTRE_DISCLOSURE_CONFIG": str(machine / "etc/callcentre-disclosure/config.yaml"),
    }
    for block in of("sh"):
        if block.page == page:
            for line in block.text.splitlines():
                command = here(line, machine)
                done = subprocess.run(
                    ["bash", "-euc", command],
                    cwd=machine,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=300,
                    check=False,
                )
                assert done.returncode == 0, f"{block}: {line}\n{done.stdout}{done.stderr}"


def test_an_installed_package_brings_its_sounds_its_example_and_its_pages(tmp_path: Path) -> None:
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path)]
    wheel.append(str(ROOT))
    subprocess.run(wheel, check=True, timeout=300)
    (built,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(built).namelist())
    shipped = [
        str(file.relative_to(ROOT))
        for folder in ("prompts", "docs")
        for file in (ROOT / folder).rglob("*.*")
        if file.is_file()
    ]
    assert "docs/evidence.md" in shipped
    assert len(shipped) > 20
    assert {f"callcentre_disclosure/{name}" for name in (*shipped, "config.example.yaml")} <= names


def here(line: str, machine: Path) -> str:
    """A command that touches nothing outside ``machine``."""
    if line.startswith("make "):
        return f"make -C {shlex.quote(str(ROOT))} --dry-run {line.removeprefix('make ')}"
    line = re.sub(r"(?<=[ ])/(opt|usr|var|etc)/", rf"{machine}/\1/", f" {line}").strip()
    if line.startswith("chown "):  # no such user here
        line = line.replace("asterisk:", str(os.getuid()))
    if line.startswith("python3 -m venv "):  # also where Debian's python3-venv is missing
        line += f" --without-pip && pip --python {line.split()[-1]} install --quiet pip"
    if line.startswith("cp "):  # the example writes where it is told to
        line += f"; sed -i s,/var/lib/,{machine}/var/lib/, {line.split()[-1]}"
    return line.replace("'callcentre-disclosure[", f"'{ROOT}[")


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    def walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield path
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                yield from walk(found, (*path, name))

    for path in walk(commands, ()):
        with pytest.raises(SystemExit) as stop:
            commands.main([*path, "--help"], prog_name="callcentre-disclosure")
        assert stop.value.code == 0
        assert capsys.readouterr().out.startswith("Usage: callcentre-disclosure")


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page}: {target}"


@pytest.mark.parametrize(("chapter", "file"), [(0, "test_roads.py"), (1, "test_stasis.py")])
def test_every_test_that_the_roads_name_is_there(chapter: int, file: str) -> None:
    """And every test is named: those of the handler from the chapter about it on."""
    page = (ROOT / "docs/roads.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page.split("\n## Calls held in Stasis\n")[chapter]))
    tests = (ROOT / "tests/integration" / file).read_text(encoding="utf-8")
    assert named == set(re.findall(r"^def (test_\w+)\(", tests, re.MULTILINE))


def test_every_test_that_a_page_names_is_there() -> None:
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py")]
    there = set(re.findall(r"^def (test_\w+)\(", "\n".join(texts), re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8"))) <= there, page
