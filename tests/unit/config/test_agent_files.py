from __future__ import annotations

import pytest

from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.model import AgentEntry

from .conftest import BASE, Write, findings

CONFIG = BASE + "sites: {rabat: {country: MA}}\nagent_files: [agents.csv]\n"


@pytest.mark.parametrize(
    "csv",
    [
        "interface,site,country\nPJSIP/201,rabat,\nPJSIP/202,,MG\n",
        "interface;site;country\r\nPJSIP/201;rabat;\r\n\r\nPJSIP/202;;MG\r\n",
        "\ufeffInterface ; Site ; Country\nPJSIP/201 ; rabat\n;;\nPJSIP/202;;MG;\n",
        'country\tinterface\tsite\n\tPJSIP/201\trabat\n"MG"\t"PJSIP/202"\t""',
    ],
    ids=["plain", "excel in France", "byte order mark and blanks", "tabs, another order"],
)
def test_agents_are_read_as_spreadsheets_write_them(write: Write, csv: str) -> None:
    write(csv, "agents.csv")

    assert load(write(CONFIG)).agents == {
        "PJSIP/201": AgentEntry(site="rabat"),
        "PJSIP/202": AgentEntry(country="MG"),
    }


def test_norway_and_norwegians(write: Write) -> None:
    write("interface,country\nPJSIP/201,NO\n", "agents.csv")

    assert load(write(CONFIG)).agents["PJSIP/201"].country == "NO"


def test_findings_have_the_line_of_the_csv(write: Write) -> None:
    write(
        "interface,site,country\n"
        "PJSIP/201,rabbat,\n"
        "PJSIP/202,,UK\n"
        "PJSIP/203,,\n"
        ",rabat,\n"
        "PJSIP/201,rabat,,x\n"
        "PJSIP/201,rabat,\n",
        "agents.csv",
    )

    assert findings(write(CONFIG)) == [
        "agents.csv:2: PJSIP/201.site: there is no site 'rabbat'; did you mean rabat?",
        "agents.csv:3: PJSIP/202.country: 'UK' is no country code; write GB for United Kingdom",
        "agents.csv:4: PJSIP/203: there is neither a site nor a country; add one of them",
        "agents.csv:5: there is no interface; add `interface:` (Who it is, as in `agents`)",
        "agents.csv:6: PJSIP/201: here are 4 cells under 3 columns; remove what is too much",
        "agents.csv:7: PJSIP/201: PJSIP/201 is already in agents.csv, line 2; "
        "remove one of the two",
    ]


def test_an_agent_of_the_configuration_is_not_in_a_file_too(write: Write) -> None:
    write("interface,site\nPJSIP/201,rabat\n", "agents.csv")

    (finding,) = findings(write(CONFIG + "agents: {PJSIP/201: {site: rabat}}\n"))
    assert finding.startswith("agents.csv:2: PJSIP/201: PJSIP/201 is already in config.yaml")


@pytest.mark.parametrize(
    ("csv", "problem"),
    [
        (b"", "the first line does not name the columns"),
        (b"PJSIP/201,rabat,MA\n", "the first line does not name the columns"),
        (b"interface,interface\n", "the first line does not name the columns"),
        (b"interface,sites\n", "the column 'sites' is not known; did you mean site?"),
        (b"interface,site\nPJSIP/1,\xe9\n", "agents.csv:2: this is not UTF-8 text"),
        (b"interface,site\nPJSIP/\x01,rabat\n", "does not fit"),
        (b'interface,site\nPJSIP/1,"' + b"rabat\n" * 30_000, "not CSV"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_finding(write: Write, csv: bytes, problem: str) -> None:
    write(csv, "agents.csv")

    (finding,) = findings(write(CONFIG))
    assert problem in finding


def test_a_file_that_is_not_there(write: Write) -> None:
    assert findings(write(CONFIG)) == [
        "agents.csv: there is no such file; create it, or give the path of yours"
    ]


def test_whoever_has_too_many_findings_to_read_is_told_that_there_are_more(write: Write) -> None:
    rows = [f"PJSIP/{number},nowhere," for number in range(200, 701)]
    write("\n".join(["interface,site,country", *rows[:-1]]), "agents.csv")
    path = write(CONFIG)
    assert len(findings(path)) == 500
    write("\n".join(["interface,site,country", *rows]), "agents.csv")
    *first, end = findings(path)
    assert len(first) == 500
    assert "more than 500 findings" in end
