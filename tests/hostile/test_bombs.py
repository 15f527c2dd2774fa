"""Files that are small and mean to be large: read in bounded time and memory, with an answer."""

from __future__ import annotations

import resource
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from callcentre_disclosure.config.loader import load
from callcentre_disclosure.errors import ConfigurationError, Finding

#: What reading any file may take: processor seconds, and bytes beyond what the process had.
SECONDS, MEMORY = 10, 2**30

HEADING = "languages: [fr]\n"
LAUGHS = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
MEGABYTE = "x" * 2**20
MANY = "\n".join(f"  s{n}: *a" for n in range(200_000))
KEYS = "".join(f"  s{n}: {{country: MA}}\n" for n in range(5_000))
SHIFTS = " ".join(f"{n % 24:02}:{n % 59:02}-{n % 24:02}:{n % 59 + 1:02}" for n in range(150))

BOMBS = {
    "billion laughs": (LAUGHS, "too much"),
    "billion laughs in keys": ("? " + LAUGHS.replace("\n", "\n? "), ""),
    "an anchor in itself": (f"{HEADING}sites: &a {{x: *a}}\n", "has no anchor"),
    "a name of a megabyte": (f"{HEADING}sites: {{{MEGABYTE}: {{country: MA}}}}\n", ""),
    "a value of a megabyte": (f"{HEADING}sites: {{a: {{country: {MEGABYTE}}}}}\n", "characters"),
    "a quoted megabyte": (f'{HEADING}sites: {{"a": {{country: "{MEGABYTE}"}}}}\n', "characters"),
    "a block of a megabyte": (f"{HEADING}company: |\n  {MEGABYTE}\n", "characters"),
    "a comment of a megabyte": (f"#{MEGABYTE}\n{HEADING}", "sites"),
    "a megabyte of tags": (f"{HEADING}a: !{MEGABYTE} x\n", ""),
    "a megabyte of an anchor": (f"{HEADING}a: &{MEGABYTE} x\nb: *{MEGABYTE}\n", ""),
    "lists in lists": ("[" * 2**20, "nested too deep"),
    "mappings in mappings": ("{a: " * 2**18, "nested too deep"),
    "blocks in blocks": ("".join(f"{' ' * n}a:\n" for n in range(1000)), "nested too deep"),
    "dashes": ("- " * 2**18, "nested too deep"),
    "questions": ("? " * 2**18, "nested too deep"),
    "one long thing 200,000 times": (
        f"{HEADING}default: &a {{{'y' * 1000}: 1}}\nsites:\n{MANY}\n",
        "too much",
    ),
    "five thousand empty sites": (
        f"{HEADING}sites:\n" + KEYS.replace("{country: MA}", "{}"),
        "there is no country",
    ),
    "five thousand wrong countries": (
        f"{HEADING}sites:\n" + KEYS.replace("MA", "Marocco of all places"),
        "no country code",
    ),
    "five thousand names that are nearly right": (
        f"{HEADING}sites:\n{KEYS}queues:\n"
        + "".join(f"  q{n}: {{sites: [s{n}x]}}\n" for n in range(100)),
        "there is no site",
    ),
    "the same key again": (f"{HEADING}sites:\n" + "  a: {country: MA}\n" * 5_000, "already on"),
    "hours": (
        f"{HEADING}sites:\n"
        + "".join(
            f"  s{n}: {{country: MA, timezone: UTC, hours: ['{'mon,' * 400}tue {SHIFTS} "
            f"00:{n % 59:02}-00:59']}}\n"
            for n in range(200)
        ),
        "",
    ),
    "colons": (f"{HEADING}sounds: {{url: 'http://{':' * 4000}'}}\n", ""),
    "zones": (f"{HEADING}sites: {{a: {{country: MA, timezone: {'../' * 1000}etc}}}}\n", ""),
}


def outcome(path: Path) -> tuple[Finding, ...]:
    try:
        load(path)
    except ConfigurationError as error:
        return error.findings
    return ()


def _bounded(path: Path, told: Connection) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    told.send(outcome(path))


def in_bounds(path: Path) -> tuple[Finding, ...]:
    """What is wrong with a file, found by a process that gets no more than its share."""
    context = get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_bounded, args=(path, theirs))
    process.start()
    theirs.close()
    try:
        findings: tuple[Finding, ...] = ours.recv()
    except EOFError:
        process.join()
        raise AssertionError(f"took too much, or failed: exit {process.exitcode}") from None
    process.join()
    return findings


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_within_bounds(tmp_path: Path, bomb: str) -> None:
    text, problem = BOMBS[bomb]
    path = tmp_path / "config.yaml"
    path.write_text(text)
    findings = in_bounds(path)
    assert len(findings) <= 501  # the last one says that there are more
    assert sum(len(str(finding)) for finding in findings) < 5_000_000
    assert any(problem in str(finding) for finding in findings) or not problem
    for finding in findings:
        assert finding.file == str(path)
        assert finding.line >= 0


AGENTS = {
    "a line of a megabyte": f"interface,country\n{MEGABYTE},MA\n",
    "a quote that never ends": f'interface,country\n"{MEGABYTE}',
    "a million separators": "interface,country" + "," * 2**20 + "\n",
    "five thousand wrong rows": "interface,site\n" + "PJSIP/1,nowhere\n" * 5_000,
    "five thousand unknown sites": "interface,site\n"
    + "".join(f"PJSIP/{n},nowhere{n}\n" for n in range(5_000)),
}


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("bomb", AGENTS)
def test_so_is_one_of_agents(tmp_path: Path, bomb: str) -> None:
    (tmp_path / "agents.csv").write_text(AGENTS[bomb])
    path = tmp_path / "config.yaml"
    path.write_text(f"{HEADING}sites: {{a: {{country: MA}}}}\nagent_files: [agents.csv]\n")
    findings = in_bounds(path)
    assert 0 < len(findings) <= 501
    assert sum(len(str(finding)) for finding in findings) < 5_000_000
    assert {Path(finding.file).name for finding in findings} == {"agents.csv"}


def test_a_file_without_an_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.symlink_to("/dev/zero")
    (finding,) = in_bounds(path)
    assert "more than" in finding.problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('sites: {"a\\0b": {country: MA}}', "control character"),
        ('sounds: {folder: "a\\0b"}', "control character"),
        ('sites: {a: {country: MA, name: "\\e]0;title\\a"}}', "control character"),
        ('sites: {a: {country: MA, name: "\\x9b31m"}}', "control character"),
        ('default: {company: "a\\rb"}', "control character"),
    ],
)
def test_no_escape_puts_a_control_character_into_a_text(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"{HEADING}{text}\n")
    (finding,) = outcome(path)
    assert problem in finding.problem
    assert finding.line == 2


def test_a_finding_is_one_line_whatever_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        f'{HEADING}"a\\nconfig.yaml:1: all is well": 1\n"\\u202egnp.exe": 2\nsites: {{}}\n'
    )
    findings = outcome(path)
    assert len(findings) >= 3
    assert all(str(finding).isprintable() for finding in findings)
