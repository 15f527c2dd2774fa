from __future__ import annotations

from callcentre_disclosure.errors import ConfigurationError, DisclosureError, Finding


def test_an_error_says_where_what_and_what_to_do() -> None:
    error = DisclosureError("it is gone", where="/a/b", remedy="bring it back")
    assert str(error) == error.explain() == "/a/b: it is gone; bring it back"
    assert str(DisclosureError("it is gone")) == "it is gone"


def test_a_finding_names_its_line_and_key_where_it_has_them() -> None:
    finding = Finding("a.yaml", 3, "sites.lyon", "there is no country", "add one")
    assert str(finding) == "a.yaml:3: sites.lyon: there is no country; add one"
    assert str(Finding("a.yaml", 0, "", "it is empty", "write it")) == (
        "a.yaml: it is empty; write it"
    )


def test_a_configuration_error_says_all_of_it() -> None:
    findings = [Finding("a.yaml", n, "k", "wrong", "mend it") for n in (1, 2)]
    assert str(ConfigurationError(findings)).splitlines() == [str(f) for f in findings]
