"""What a manager listens to before going live: everything is on the page, and nothing else."""

from __future__ import annotations

import io
import json
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import datetime, timezone
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
import soundfile

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import SoundFormat, read_manifest, write_manifest
from callcentre_disclosure.config.model import Configuration
from callcentre_disclosure.speech.catalogue import listed, page
from tests.unit.config.conftest import FRENCH
from tests.unit.speech.tones import made

NOW = datetime(2026, 11, 22, 10, 5, tzinfo=timezone.utc)
CONFIGURATION = """\
languages: [fr, en]
texts: {folder: texts}
sounds: {folder: sounds}
sites:
  rabat: {country: MA, name: Rabat}
  tunis: {country: TN}
queues: {sales: {sites: [rabat, tunis]}}
routes:
  sales: {numbers: ["+33 1 84 88 00 01", "3900"], queue: sales, company: Alpha & Fils}
  alone: {numbers: ["+33 1 84 88 00 02"], sites: [tunis], segments: [recording]}
"""
ENGLISH = FRENCH.replace("language: fr", "language: en").replace("Appel", "Call")


class Page(HTMLParser):
    """The tags of a page with their attributes, and the text that a browser would show."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.shown = ""
        self._open: list[str] = []
        self.source = text
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag in ("script", "style"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            self.shown += " ".join(data.split()) + "\n"

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        wanted = {key.rstrip("_"): value for key, value in attributes.items()}
        return [has for name, has in self.tags if name == tag and wanted.items() <= has.items()]


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return configured(tmp_path, CONFIGURATION)


def configured(folder: Path, text: str) -> Configuration:
    texts = folder / "texts"
    texts.mkdir(exist_ok=True)
    (texts / "fr.yaml").write_text(FRENCH, encoding="utf-8")
    (texts / "en.yaml").write_text(ENGLISH, encoding="utf-8")
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def built(configuration: Configuration) -> Path:
    made(needed(configuration), configuration.sounds.folder, *configuration.sounds.formats)
    return configuration.sounds.folder


def shown(configuration: Configuration) -> Page:
    return Page(page(configuration, NOW))


def test_it_lists_who_needs_a_sentence_and_whose_callers_hear_it(
    configuration: Configuration,
) -> None:
    said = {one.announcement.text: one for one in listed(configuration)}
    both = said["Appel traité au Maroc ou en Tunisie, merci."]
    assert "routes.sales" in both.users
    assert both.numbers == ("+33 1 84 88 00 01", "3900")
    # Whoever is told that an agent in Tunis has answered had called a route that rings there.
    tunis = said["Conseiller en Tunisie en ligne."]
    assert tunis.numbers == ("+33 1 84 88 00 01", "3900", "+33 1 84 88 00 02")
    assert said["Appel traité ailleurs."].numbers == ("every number",)
    assert said["Chez Alpha & Fils."].numbers == ("+33 1 84 88 00 01", "3900")
    assert both.entry is None
    assert both.files == {}


def test_it_lists_the_sound_that_is_played(tmp_path: Path) -> None:
    formats = "sounds: {folder: sounds, formats: [wav, ulaw]}"
    text = CONFIGURATION.replace("sounds: {folder: sounds}", formats)
    configuration = configured(tmp_path, text)
    folder = built(configuration)
    one = listed(configuration)[0]
    name = one.announcement.sound_name
    assert one.entry is not None
    assert one.entry.engine == "tones 1.0"
    assert one.files == {fmt: folder / f"{name}.{fmt.value}" for fmt in one.files}
    assert set(one.files) == {SoundFormat.WAV, SoundFormat.ULAW}


def test_every_sentence_is_there_in_its_language_with_its_sound(
    configuration: Configuration,
) -> None:
    built(configuration)
    done = shown(configuration)
    wanted = needed(configuration)
    assert done.all("html", lang="en")
    for language in ("fr", "en"):
        texts = [one for one in wanted if one.language == language]
        assert len(done.all("p", class_="text", lang=language)) == len(texts)
        assert all(f"\n{one.text}\n" in done.shown for one in texts)
    assert len(done.all("audio")) == len(done.all("button", class_="play scripts")) == len(wanted)
    assert len({article["id"] for article in done.all("article")}) == len(wanted)
    for expected in (
        "Calls received, before an agent is sought",
        "Calls made, once an agent has answered",
        "Said as well",
        "+33 1 84 88 00 01",
        "route sales, queue sales",
        "site Rabat",
        "tones 1.0, −22.0 dBov",
        "22 November 2026, 10:05",
        f"{len(wanted)} sentences in 2 languages, ",
        "Every sentence has its sound, and no sound has a defect.",
    ):
        assert expected in done.shown


@pytest.mark.parametrize("fmt", ["ulaw", "sln16"])
def test_browsers_get_what_callers_get(tmp_path: Path, fmt: str) -> None:
    formats = f"sounds: {{folder: sounds, formats: [{fmt}]}}"
    text = CONFIGURATION.replace("sounds: {folder: sounds}", formats)
    configuration = configured(tmp_path, text)
    built(configuration)
    for audio, one in zip(shown(configuration).all("audio"), listed(configuration), strict=True):
        kind, data = audio["src"].split(",")
        assert kind == "data:audio/wav;base64"
        assert one.entry is not None
        with soundfile.SoundFile(io.BytesIO(b64decode(data))) as file:
            assert (file.samplerate, file.channels, file.subtype) == (8000, 1, "ULAW")
            assert file.frames / 8000 == pytest.approx(one.entry.seconds, abs=0.02)


def test_a_page_asks_the_network_for_nothing(configuration: Configuration) -> None:
    built(configuration)
    done = shown(configuration)
    for _, attributes in done.tags:
        links = [attributes[key] for key in ("src", "href", "action") if key in attributes]
        assert all(link.startswith(("#", "data:")) for link in links)
    assert not done.all("link")
    assert not re.findall(r"url\(|@import|https?:", done.source)
    (policy,) = (meta["content"] for meta in done.all("meta") if "http-equiv" in meta)
    assert "default-src 'none'" in policy
    for tag in ("script", "style"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", done.source, re.DOTALL)
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_a_name_is_no_markup(tmp_path: Path) -> None:
    payload = "</p><script>alert(1)</script>\"' onload=alert(2) x=<img src=x onerror=alert(3)>"
    text = CONFIGURATION.replace("Rabat", json.dumps(payload))
    done = shown(configured(tmp_path, text.replace("Alpha & Fils", json.dumps(payload))))
    assert len(done.all("script")) == 1
    assert not done.all("img")
    assert not [has for _, has in done.tags if any(key.startswith("on") for key in has)]
    assert f"Chez {payload}." in done.shown
    assert f"site {payload}" in done.shown


class TestTroubles:
    def test_without_any_sound(self, configuration: Configuration) -> None:
        done = shown(configuration)
        count = len(needed(configuration))
        assert f"{count} sentences are not ready for callers" in done.shown
        assert f"0 s in all, {count} missing" in done.shown
        assert "There is no sound yet; run" in done.shown
        assert f"and {count - 10} more, marked below" in done.shown
        assert len(done.all("article", class_="sentence bad")) == count
        assert not done.all("audio")

    def test_one_missing_and_one_defective(self, configuration: Configuration) -> None:
        folder = built(configuration)
        missing, changed, *_ = (folder / "fr").glob("*.wav")
        missing.unlink()
        changed.write_bytes(changed.read_bytes()[:-2] + b"\1\1")
        done = shown(configuration)
        assert "2 sentences are not ready for callers" in done.shown
        assert ", 1 missing, 1 defective" in done.shown
        assert len(done.all("article", class_="sentence bad")) == 2
        targets = [has["href"] for has in done.all("a") if has["href"].startswith("#sentence")]
        assert {f"#{has['id']}" for has in done.all("article", class_="sentence bad")} == set(
            targets
        )


def test_a_person_who_spoke_is_named(configuration: Configuration) -> None:
    folder = built(configuration)
    sounds = read_manifest(folder)
    name = next(iter(sounds))
    spoken = replace(sounds[name], recorded=True, engine="studio/maroc.flac")
    write_manifest(folder, {**sounds, name: spoken})
    done = shown(configuration)
    assert "recorded by a person: studio/maroc.flac, " in done.shown
    assert "1 recorded by a person" in done.shown


def test_many_numbers_do_not_bury_a_sentence(tmp_path: Path) -> None:
    numbers = ", ".join(f'"+331848801{number}"' for number in range(10, 60))
    text = CONFIGURATION.replace('"+33 1 84 88 00 01", "3900"', numbers)
    done = shown(configured(tmp_path, text))
    assert "and 44 more" in done.shown
    assert done.all("details")
