"""Drift events on figures: a line through all rows, a head to click, a stretch since it began, and words."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# Room above the plot for the heads of the lines.
HEAD_ROOM = 22
# What a reader may act on alone: one of twenty such words may be wrong.
SURE_FROM = 0.95
# Below this it is more a question than an answer.
LIKELY_FROM = 0.8
# More names than these on either side are a list, not a sentence; the event's page has them all.
MAX_NAMES = 2

# verdict -> line, symbol of its head, colour, words
STYLES = {
    "": ("solid", "triangle-down", "accent", "not looked at"),
    "right": ("solid", "circle", "text", "marked right"),
    "wrong": ("dot", "x", "text-faint", "marked wrong"),
    "explained": ("dash", "diamond", "text-soft", "marked explained"),
}


@dataclass(frozen=True)
class Mark:
    """A drift event as figures and sentences need it.

    Attributes:
        at: when it was raised
        begin_at: when it began, estimated
        confidence: probability that it is a change, 0 to 1
        rising: names of categories, the surest first
        falling: the same
        is_return: whether it went back to what was wanted before
        verdict: right, wrong, explained or nothing
        note: what somebody wrote beside the verdict
        href: address of its page
    """

    at: datetime
    begin_at: datetime
    confidence: float
    rising: Sequence[str]
    falling: Sequence[str]
    is_return: bool = False
    verdict: str = ""
    note: str = ""
    href: str = ""

    @property
    def change(self) -> str:
        """Return what changed: "less Horror, more Documentary"."""
        return change_words(rising=self.rising, falling=self.falling, is_return=self.is_return)


def change_words(*, rising: Sequence[str], falling: Sequence[str], is_return: bool = False) -> str:
    """Return a change in words: "less Horror, more Documentary"."""
    parts = [
        f"{word} {_names(names)}" for word, names in (("less", falling), ("more", rising)) if names
    ]
    said = ", ".join(parts) or "no single category stands out"
    return f"back to what it was: {said}" if is_return else said


def sureness(confidence: float) -> str:
    """Return how sure a change is: "sure (98 %)"."""
    # Nothing is certain, so no number is rounded up to 100 %.
    percent = "over 99 %" if confidence >= 0.995 else f"{100 * confidence:.0f} %"
    if confidence >= SURE_FROM:
        return f"sure ({percent})"
    return f"likely ({percent})" if confidence >= LIKELY_FROM else f"unsure ({percent})"


def change_sentence(mark: Mark) -> str:
    """Say what changed since when and how sure that is."""
    said = f"Since {mark.begin_at.day} {mark.begin_at:%B %Y}: {mark.change}; {sureness(mark.confidence)}"
    if mark.verdict:
        note = f": {mark.note}" if mark.note else ""
        said += f"; {STYLES[mark.verdict][3]}{note}"
    return f"{said}."


def newest(marks: Sequence[Mark]) -> Mark | None:
    """Return the newest drift event that nobody has marked wrong."""
    return max((mark for mark in marks if mark.verdict != "wrong"), key=_raised, default=None)


def lines(marks: Sequence[Mark], *, low: float = 0.0, high: float = 1.0) -> list[dict[str, Any]]:
    """Return the vertical lines and the stretches since each change began, between two heights of the figure."""
    shapes: list[dict[str, Any]] = []
    for mark in marks:
        dash, _, colour, _ = STYLES[mark.verdict]
        raised, began = mark.at.isoformat(), mark.begin_at.isoformat()
        place = {"xref": "x", "yref": "paper", "y0": low, "y1": high}
        shapes += [
            {
                "type": "rect", **place, "x0": began, "x1": raised, "line": {"width": 0},
                "fillcolor": f"{colour}/14", "layer": "above",
            },
            {
                "type": "line", **place, "x0": raised, "x1": raised,
                "line": {"color": colour, "width": 1.5, "dash": dash},
            },
        ]  # fmt: skip
    return shapes


def heads(
    marks: Sequence[Mark], *, yaxis: str, low: float = 0.0, high: float = 1.0
) -> list[dict[str, Any]]:
    """Return the heads of the lines, at the top of a row of shares; each carries its page's address.

    Between `low` and `high`, as shares of the figure's height, the lines can be clicked.
    """
    if not marks:
        return []
    styles = [STYLES[mark.verdict] for mark in marks]
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "drift event",
            "x": [mark.at.isoformat() for mark in marks],
            "y": [1.0] * len(marks),
            "yaxis": yaxis,
            "cliponaxis": False,
            "marker": {
                "symbol": [symbol for _, symbol, _, _ in styles],
                "color": [colour for _, _, colour, _ in styles],
                "size": 11,
                "line": {"color": "card", "width": 1.5},
            },
            "meta": {"role": "links", "low": low, "high": high},
            "customdata": [mark.href for mark in marks],
            "text": [html.escape(_hover(mark), quote=False) for mark in marks],
            "hovertemplate": "%{text}",
        }
    ]


def _hover(mark: Mark) -> str:
    verdict = f", {STYLES[mark.verdict][3]}" if mark.verdict else ""
    return f"{mark.change}; {sureness(mark.confidence)}{verdict}"


def _names(names: Sequence[str]) -> str:
    if len(names) > MAX_NAMES:
        return f"{', '.join(names[:MAX_NAMES])} and {len(names) - MAX_NAMES} more"
    return " and ".join(names)


def _raised(mark: Mark) -> datetime:
    return mark.at
