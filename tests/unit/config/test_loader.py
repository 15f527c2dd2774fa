from __future__ import annotations

from pathlib import Path

import pytest

from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import SoundFormat
from callcentre_disclosure.config.model import AgentEntry, SiteEntry, SiteList, Treatment
from callcentre_disclosure.disclosure.route import FailurePolicy

from .conftest import BASE, FRENCH, Write, findings

SITES = BASE + "sites:\n  rabat: {country: MA}\n  tunis: {country: TN}\n"


def test_what_is_written_is_what_is_read(write: Write) -> None:
    path = write(
        SITES
        + """\
numbering: {country_code: 33, trunk_prefix: 0}
agents:
  PJSIP/2*: {site: rabat}
queues:
  400: {sites: [tunis, rabat]}
routes:
  sales: {numbers: [0184880001], queue: 400, language: fr, on_failure: refuse}
default:
"""
    )

    configuration = load(path)

    assert configuration.languages == ("fr",)
    assert configuration.sites["rabat"] == SiteEntry("MA")
    assert configuration.agents == {"PJSIP/2*": AgentEntry("rabat")}
    assert configuration.queues == {"400": SiteList(("tunis", "rabat"))}
    assert configuration.numbering is not None
    assert configuration.numbering.trunk_prefix == "0"
    sales = configuration.routes["sales"]
    assert sales.numbers == ("0184880001",)  # with its zero
    assert sales.on_failure is FailurePolicy.REFUSE
    assert configuration.sites_of(sales) == ("tunis", "rabat")
    assert configuration.default == Treatment()
    assert configuration.sounds.folder == path.parent / "sounds"
    assert configuration.wordings["fr"].countries["NO"].place == "en Norvège"


def test_relative_paths_start_from_the_file_not_from_where_one_stands(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(SITES)
    monkeypatch.chdir(path.parent.parent)

    configuration = load(path.relative_to(path.parent.parent))

    assert configuration.sounds.folder == path.parent / "sounds"
    assert configuration.path == path


def test_every_finding_of_a_file_comes_at_once(write: Write) -> None:
    path = write(
        """\
        langages: [fr]
        languages: [fr, pt]
        texts: {folder: texts}
        sites:
          lyon: {contry: FR, country: Maroc}
          oslo: {country: NO, timezone: Oslo, hours: ["mon-fri 08h-18h"]}
          rabat: {country: MA}
          rabat: {country: XX}
          tunis: {country: TN, hours: [mon 08:00-18:00]}
        agents:
          PJSIP/1: {site: lyn}
          PJSIP/2: {}
        queues: {sales: {sites: []}, care: [lyon]}
        trunks: {maroc-telecom: {sites: [rabat, rabat]}}
        routes:
          a: {numbers: [0184880001, "+33 (0)1 84"], queue: sale, on_failure: refused}
          b: {numbers: ["+33184880001", call me], sites: [lyon], queue: sales, language: en}
          c: {}
          default: {numbers: [15]}
        numbering: {country_code: 33, trunk_prefix: 0}
        <<: {a: b}
        """
    )

    said = findings(path)

    assert [line.removeprefix("config.yaml:").partition(";")[0] for line in said] == [
        "1: langages: this key is not known",
        "2: languages[1]: there are no sentences in 'pt'",
        "5: sites.lyon.contry: this key is not known",
        "5: sites.lyon.country: 'Maroc' is no country code",
        "6: sites.oslo.hours[0]: '08h-18h' is no time span",
        "6: sites.oslo.timezone: there is no time zone 'Oslo'",
        "8: sites.rabat: this key is already on line 7",
        "9: sites.tunis: there are hours but no timezone",
        "11: agents.PJSIP/1.site: there is no site 'lyn'",
        "12: agents.PJSIP/2: there is neither a site nor a country",
        "13: queues.care: here is a list",
        "13: queues.sales.sites: the list is empty",
        "14: trunks.maroc-telecom: 'maroc-telecom' does not fit",
        "14: trunks.maroc-telecom.sites[1]: 'rabat' is here twice",
        "16: routes.a.numbers[1]: nobody dials the (0) of '+33 (0)1 84'",
        "16: routes.a.on_failure: 'refused' is not known",
        "16: routes.a.queue: there is no queue 'sale'",
        "17: routes.b: '+33184880001' is a number of routes.a too (line 16)",
        "17: routes.b: there are both sites and a queue",
        "17: routes.b.language: there is no language 'en'",
        "17: routes.b.numbers[1]: 'call me' does not fit",
        "18: routes.c: there is no numbers",
        "19: routes.default: every other call has this route",
        "21: <<: merge keys are not read",
    ]
    remedies = "\n".join(said)
    for remedy in ("did you mean languages?", "write MA for Morocco", "Europe/Oslo?", "lyon?"):
        assert remedy in remedies


def test_what_is_missing_does_not_hide_what_else_is_wrong(write: Write) -> None:
    said = findings(write("queues: {sales: {sites: [lyon]}}\nagent_files: [nobody.csv]\n"))

    assert [line.partition(";")[0] for line in said] == [
        "config.yaml:1: there is no languages",
        "config.yaml:1: there is no sites",
        "config.yaml:1: queues.sales.sites[0]: there is no site 'lyon'",
        "nobody.csv: there is no such file",
    ]


@pytest.mark.parametrize("text", ["[]", "just words", "42"])
def test_a_file_that_is_no_mapping(write: Write, text: str) -> None:
    (finding,) = findings(write(text))

    assert "write `key: value` lines" in finding


def test_a_country_that_cannot_be_said_is_found_once_for_each_language(write: Write) -> None:
    write(FRENCH.replace("language: fr", "language: en"), "texts/en.yaml")
    config = BASE.replace("[fr]", "[fr, en]") + "sites: {a: {country: KM}, b: {country: KM}}\n"

    said = findings(write(config))

    assert [line.partition(";")[0] for line in said] == [
        "config.yaml:4: sites.a.country: the sentences in 'en' have no words for KM (Comoros)",
        "config.yaml:4: sites.a.country: the sentences in 'fr' have no words for KM (Comoros)",
    ]
    assert said[1].endswith("add KM to the countries of texts/fr.yaml")


def test_a_sentence_that_a_language_does_not_have(write: Write) -> None:
    write(FRENCH.replace("language: fr", "language: en"), "texts/en.yaml")
    said = findings(
        write(
            BASE.replace("[fr]", "[fr, en]")
            + """\
sites: {a: {country: MA}}
segments: {tariff: {fr: Gratuit.}, opt-out: {fr: "Tapez {digit}.", pt: Olá.}}
default: {segments: [tariff, recording, recordin]}
"""
        )
    )

    assert [line.partition("; write a")[0] for line in said] == [
        "config.yaml:5: segments.opt-out: there is no sentence 'opt-out' in 'en'; "
        "write it under segments.opt-out.en",
        "config.yaml:5: segments.opt-out: there is no sentence 'opt-out' in 'fr'; "
        "write it under segments.opt-out.fr",
        "config.yaml:5: segments.opt-out.fr: 'Tapez {digit}.' does not fit",
        "config.yaml:5: segments.opt-out.pt: there is no language 'pt'; write one of en, fr",
        "config.yaml:5: segments.tariff: there is no sentence 'tariff' in 'en'; "
        "write it under segments.tariff.en",
        "config.yaml:6: default.segments[2]: there is no sentence 'recordin' in 'en'; "
        "did you mean recording?",
        "config.yaml:6: default.segments[2]: there is no sentence 'recordin' in 'fr'; "
        "did you mean recording?",
    ]


def test_sounds_that_are_asked_for_in_a_way_of_ones_own(write: Write) -> None:
    sounds = load(
        write(
            SITES.replace(
                "{folder: sounds}",
                "{folder: sounds, engine: kokoro, engines: {fr: command}, level: -24.5,"
                " command: 'say -o {file}', formats: [sln16, gsm], url: 'https://host/sounds'}",
            )
        )
    ).sounds

    assert (sounds.engine, sounds.engines, sounds.level) == ("kokoro", {"fr": "command"}, -24.5)
    assert sounds.formats == (SoundFormat.SLN16, SoundFormat.GSM)
    assert not sounds.as_shipped
    assert load(write(SITES)).sounds.as_shipped


@pytest.mark.parametrize(
    ("key", "finding"),
    [
        ("level: loud", "sounds.level: 'loud' does not fit; write a number between -36 and -12"),
        ("level: 3", "sounds.level: '3' does not fit; write a number between -36 and -12"),
        ("formats: [mp3]", "sounds.formats[0]: 'mp3' is not known; "),
        ("formats: []", "sounds.formats: the list is empty"),
        ("engines: {pt: kokoro}", "sounds.engines.pt: there is no language 'pt'"),
        ("engine: command", "sounds: the engine is command but there is none; add `command:`"),
        ("url: host/sounds", "sounds.url: 'host/sounds' does not fit"),
    ],
)
def test_sounds_that_cannot_be_had(write: Write, key: str, finding: str) -> None:
    (said,) = findings(write(SITES.replace("{folder: sounds}", f"{{folder: sounds, {key}}}")))

    assert said.startswith(f"config.yaml:3: {finding}")


@pytest.mark.parametrize(
    "section",
    [
        "evidence: {url: 'postgresql://u:hunter2@db/evidence'}",
        "evidence: {url: 'postgres://u:hunter2@db/evidence'}",
        "evidence: {url: 'postgresql://db/evidence?password=hunter2'}",
        "ari: {asterisks: {pbx: {url: 'http://u:hunter2@pbx:8088', password_file: p}}}",
        "sounds: {url: 'https://u:hunter2@prompts/sounds'}",
    ],
)
def test_a_password_is_refused_and_not_repeated(write: Write, section: str) -> None:
    text = f"languages: [fr]\nsites: {{rabat: {{country: MA}}}}\n{section}\n"
    said = "\n".join(findings(write(text)))
    assert "there is a password in it; " in said
    assert "hunter2" not in said


def test_numbers_clash_in_whatever_way_they_are_written(write: Write) -> None:
    routes = 'routes: {{a: {{numbers: ["{}"]}}, b: {{numbers: ["{}", 15]}}}}\n'
    plan = "numbering: {country_code: 33, trunk_prefix: 0}\n"

    assert findings(write(SITES + plan + routes.format("+33184880001", "01 84 88 00 01")))
    assert load(write(SITES + plan + routes.format("+33184880001", "01 84 88 00 02")))
    assert load(write(SITES + routes.format("+33184880001", "01 84 88 00 01")))


def test_one_number_may_be_written_twice_in_one_route(write: Write) -> None:
    plan = "numbering: {country_code: 33, trunk_prefix: 0}\n"

    assert load(write(SITES + plan + "routes: {a: {numbers: [+33184880001, 0184880001]}}\n"))


@pytest.mark.parametrize("folder", ["x" * 300, "closed"])
def test_sentences_that_cannot_be_reached_are_a_finding_and_not_passed_over(
    write: Write, tmp_path: Path, folder: str
) -> None:
    """A folder that cannot be entered has no other effect on calls than a broken file."""
    (tmp_path / "closed").symlink_to("closed")  # which keeps root out, too
    path = write(
        f"languages: [fr]\nsites: {{rabat: {{country: MA}}}}\ntexts: {{folder: {folder}}}\n"
    )
    (finding,) = findings(path)
    assert finding.startswith(f"{folder}/fr.yaml: cannot be read: ")


@pytest.mark.parametrize(
    "url",
    ["http://pbx:8o88", "http://pbx:80888", "http://a..b", "http://[::1:8088"],
)
def test_an_address_to_which_nobody_can_connect(write: Write, url: str) -> None:
    ari = f'ari: {{asterisks: {{pbx: {{url: "{url}", password_file: p}}}}}}\n'
    (finding,) = findings(write(SITES + ari))
    assert finding.startswith(f"config.yaml:7: ari.asterisks.pbx.url: '{url}' has no host, or")


@pytest.mark.parametrize("address", ["127.0.0.1:65536", "[::g]:8765"])
def test_an_address_at_which_nobody_can_listen(write: Write, address: str) -> None:
    ari = f'ari: {{asterisks: {{pbx: {{password_file: p}}}}, listen: "{address}"}}\n'
    (finding,) = findings(write(SITES + ari))
    assert finding.startswith(f"config.yaml:7: ari.listen: '{address}' has no host, or no port")


def test_a_folder_of_sentences_that_is_not_there(write: Write) -> None:
    (finding,) = findings(write(SITES.replace("texts}", "text}")))
    assert finding == "config.yaml:2: texts: there is no folder text; make it, or mend its path"


def test_sources_are_the_files_that_were_read_and_looked_for(write: Write) -> None:
    write("interface,site\nPJSIP/201,rabat\n", "agents.csv")
    path = write(SITES + "agent_files: [agents.csv]\n")

    sources = load(path).sources

    assert {source.path for source in sources} >= {
        str(path),
        str(path.parent / "agents.csv"),
        str(path.parent / "texts" / "fr.yaml"),
    }
    assert all(source.is_current() for source in sources)
    write("interface,site\nPJSIP/20,rabat\n", "agents.csv")
    assert not all(source.is_current() for source in sources)
