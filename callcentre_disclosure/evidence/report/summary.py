"""The report as text, for a terminal: what somebody wants to know who has a minute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .figures import Figures, Group
from .words import Words, shown

_FEW = 10


def summary(figures: Figures, words: Words) -> Iterator[str]:
    """Its lines."""
    total = figures.total
    if not total.calls:
        yield words("headline.no_calls")
        return
    if total.not_disclosed:
        text = words.counted("headline.not_told", total.not_disclosed)
        yield f"{words.number(total.not_disclosed)} {text}"
    else:
        yield words("headline.all_told" if total.asked else "headline.none_asked")
    share = words.share(total.not_disclosed, total.asked)
    if total.asked:
        yield words("headline.of", share=share, calls=words.number(total.asked))
    yield from _troubles(figures, words)
    yield ""
    for outcome in ("disclosed", "partial", "not_disclosed", "abandoned", "not_required"):
        calls = getattr(total, outcome)
        if calls:
            label = words(f"outcome.{outcome}")
            yield f"{words.number(calls):>9}  {words.share(calls, total.calls):>6}  {label}"
    yield from _countries(figures, words)
    yield from _waits(figures, words)
    for kind, key, groups in (
        ("site", "sites", figures.sites),
        ("queue", "queues", figures.queues),
        ("profile", "profiles", figures.profiles),
    ):
        yield from _groups(words(f"groups.{key}"), kind, groups, words)


def _troubles(figures: Figures, words: Words) -> Iterator[str]:
    if figures.troubles:
        yield ""
        yield words("mend.heading")
    for trouble in figures.troubles[:_FEW]:
        calls = trouble.tally.not_disclosed or trouble.tally.calls
        name = shown(trouble.cause.subject)
        what = words.cause(trouble.cause)
        yield f"{words.number(calls):>9}  {what}, {words.days(trouble.first, trouble.last)}"
        if name and name not in what:
            yield f"{'':>11}{name}"
        yield f"{'':>11}{words.remedy(trouble.cause).replace('`', '')}"
    yield from _more(figures.troubles, words)


def _countries(figures: Figures, words: Words) -> Iterator[str]:
    answered = [group for group in figures.countries if group.answered]
    if not answered:
        return
    abroad = figures.abroad
    yield ""
    yield words("countries.heading")
    if abroad.share is not None:
        share = words.share(abroad.abroad, abroad.home + abroad.abroad)
        yield f"{share:>9}  {words('countries.share')}"
    total = sum(group.answered for group in answered)
    for group in answered[:_FEW]:
        share = words.share(group.answered, total)
        yield f"{words.number(group.answered):>9}  {share:>6}  {words.answered_in(group.name)}"
    yield from _more(answered, words)


def _waits(figures: Figures, words: Words) -> Iterator[str]:
    if not figures.waits.calls:
        return
    yield ""
    yield words("waiting.heading")
    yield f"{words.seconds(figures.waits.median):>9}  {words('columns.median')}"
    yield f"{words.seconds(figures.waits.p95):>9}  95 %"
    for kept in figures.promises:
        if kept.share is not None:
            name = words(f"promises.{kept.promise.value}.name")
            asks = words(f"promises.{kept.promise.value}.asks")
            yield f"{words.share(kept.share, 1):>9}  {name}: {asks}"
        elif kept.kept is not None:
            yield f"{words.seconds(kept.first):>9}  " + words(
                f"promises.{kept.promise.value}.found",
                first=words.seconds(kept.first),
                second=words.seconds(kept.second),
                calls=words.number(kept.calls),
            )


def _groups(heading: str, kind: str, groups: Sequence[Group], words: Words) -> Iterator[str]:
    yield ""
    yield heading
    for group in groups[:_FEW]:
        name = shown(group.name) if group.name else words(f"groups.unknown.{kind}")
        untold = group.tally.not_disclosed
        told = f", {words.number(untold)} {words('outcome.not_disclosed')}" if untold else ""
        yield f"{words.number(group.tally.calls):>9}  {name}{told}"
    yield from _more(groups, words)


def _more(those: Sequence[object], words: Words) -> Iterator[str]:
    if len(those) > _FEW:
        yield f"{'':>11}{words('and_more', n=words.number(len(those) - _FEW))}"
