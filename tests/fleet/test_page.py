"""docs/fleet.md shows the files and the command that these tests run."""

from __future__ import annotations

from .fleet import DOCS, WORKERS, fastagi

PAGE = (DOCS.parent / "fleet.md").read_text(encoding="utf-8")


def test_every_file_is_shown_as_it_is() -> None:
    files = list(DOCS.iterdir())
    assert len(files) == 7
    for file in files:
        assert f"```\n{file.read_text(encoding='utf-8')}```" in PAGE.replace(
            "```text", "```"
        ).replace("```yaml", "```"), file


def test_the_command_is_the_one() -> None:
    command = " ".join(("callcentre-disclosure", *fastagi(WORKERS["worker1"])))
    assert command in PAGE
