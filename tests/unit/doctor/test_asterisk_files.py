"""Asterisk's files are read as it reads them: templates, additions, includes, remarks."""

from __future__ import annotations

from pathlib import Path

from callcentre_disclosure.doctor.asterisk_files import is_true, read_sections


def test_templates_and_includes(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "sales.conf").write_text("[sales](base)\nsetinterfacevar=no\n")
    (tmp_path / "queues.conf").write_text(
        "; setinterfacevar = no\n[general]\n[base](!)\nSetInterfaceVar => yes ; all of them\n"
        "#include more/*.conf\n[support](base)\nmember => PJSIP/201\n"
        "#tryinclude none.conf\n[support](+)\nweight=5\\;5\n"
    )
    assert read_sections(tmp_path / "queues.conf") == {
        "general": {},
        "base": {"setinterfacevar": "yes"},
        "sales": {"setinterfacevar": "no"},
        "support": {"setinterfacevar": "yes", "member": "PJSIP/201", "weight": "5\\;5"},
    }


def test_what_is_true() -> None:
    assert all(map(is_true, ("yes", "Yes", "true", "1", "on")))
    assert not any(map(is_true, ("no", "", "2", None)))
