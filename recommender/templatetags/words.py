"""Times, numbers and shares as readers want them: relative times, thousands separated, units always."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recommender import charts
from recommender.selectors import pages_facts
from recommender.selectors.pages_facts import Fact

register = template.Library()

THIN_SPACE = "\u2009"
MINUS = "\u2212"
NO_VALUE = "–"
PALETTE_SIZE = 12  # colours of categories in static/css/tokens.css; beyond them grey


@register.filter
def number(value: float | None, decimals: int = 0) -> str:
    """Return a number with its thousands separated: 12,838."""
    if value is None:
        return NO_VALUE
    return f"{value:,.{decimals}f}".replace("-", MINUS)


@register.filter
def percent(share: float | None, decimals: int = 1) -> str:
    """Return a share between 0 and 1 as a percentage with one decimal: 12.4 %."""
    return NO_VALUE if share is None else f"{100 * share:,.{decimals}f}{THIN_SPACE}%"


@register.filter
def signed_points(change: float | None) -> str:
    """Return a change between two shares with its sign, in percentage points: +3.1 pp."""
    if change is None:
        return NO_VALUE
    return f"{100 * change:+.1f}{THIN_SPACE}pp".replace("-", MINUS)


@register.filter
def signed_percent(change: float | None) -> str:
    """Return a change as a share of what it is held against, with its sign: +3.1 %."""
    if change is None:
        return NO_VALUE
    return f"{100 * change:+,.1f}{THIN_SPACE}%".replace("-", MINUS)


@register.filter
def metric(value: float | None) -> str:
    """Return a metric between 0 and 1 with four decimals, as published tables have it."""
    return NO_VALUE if value is None else f"{value:.4f}"


@register.filter
def signed_metric(change: float | None) -> str:
    """Return a difference of two metrics with its sign and four decimals."""
    return NO_VALUE if change is None else f"{change:+.4f}".replace("-", MINUS)


@register.filter
def p_value(value: float | None) -> str:
    """Return a p-value with three decimals, or as "< 0.001"."""
    if value is None:
        return NO_VALUE
    return f"<{THIN_SPACE}0.001" if value < 0.001 else f"{value:.3f}"


@register.filter
def span(seconds: float | None) -> str:
    """Return a length of time in its largest unit: 40 s, 3 min, 2 h, 5 days."""
    if seconds is None:
        return NO_VALUE
    for size, unit, plural in (
        (86_400 * 365, "year", "s"),
        (86_400 * 30, "month", "s"),
        (86_400, "day", "s"),
        (3600, "h", ""),
        (60, "min", ""),
    ):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{plural if count != 1 else ''}"
    return f"{max(int(seconds), 0)} s"


def relative(at: datetime, *, now: datetime) -> str:
    """Return how long ago (or ahead) a time is, in words."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < 5:
        return "just now"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}"


@register.simple_tag
def ago(at: datetime | None, otherwise: str = NO_VALUE) -> str | SafeString:
    """Return `<time>` with the relative time as text and the exact one on hover."""
    return otherwise if at is None else _time(at, relative(at, now=timezone.now()))


@register.simple_tag
def day(at: datetime | None, otherwise: str = NO_VALUE) -> str | SafeString:
    """Return `<time>` with the day as text and the exact time on hover: what happened then is of that day."""
    return otherwise if at is None else _time(at, f"{timezone.localtime(at):%-d %b %Y}")


def _time(at: datetime, text: str) -> SafeString:
    """Return `<time>` with a text and the exact time, in the account's zone, on hover."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="seconds"),
        f"{timezone.localtime(at):%-d %B %Y, %H:%M:%S %Z}",
        text,
    )


@register.simple_tag
def bar(share: float | None, css: str = "") -> SafeString:
    """Return a bar filled to a share between 0 and 1; it repeats a number beside it, so it is hidden from readers."""
    width = round(100 * min(max(share or 0.0, 0.0), 1.0), 1)
    return format_html(
        '<svg class="meter {}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{}" height="8"/></svg>',
        css,
        f"{width:g}",
    )


@register.filter
def category_class(colour_rank: int | None) -> str:
    """Return the CSS class that gives a category its colour."""
    if colour_rank is None or colour_rank >= PALETTE_SIZE:
        return "category-other"
    return f"category-{colour_rank}"


@register.filter
def words(name: str) -> str:
    """Return a snake_case or kebab-case name as words: leave-one-out -> Leave one out."""
    return name.replace("_", " ").replace("-", " ").capitalize()


@register.filter
def algorithm(name: str) -> str:
    """Return an algorithm's name as readers know it."""
    return charts.algorithm_name(name)


@register.filter
def seconds(value: float | None) -> str:
    """Return a length of time that is measured: 0.4 s, 12.3 s, 1,240 s."""
    if value is None:
        return NO_VALUE
    return f"{number(value, 0 if value >= 100 else 1)}{THIN_SPACE}s"


@register.filter
def memory(num_bytes: int | None) -> str:
    """Return an amount of memory in its largest unit: 340 kB, 12.1 MB."""
    if num_bytes is None:
        return NO_VALUE
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if num_bytes >= size:
            return f"{num_bytes / size:,.1f}{THIN_SPACE}{unit}"
    return f"{num_bytes:,}{THIN_SPACE}B"


@register.filter
def plain(value: Any) -> str:
    """Return any plain value as text: numbers with thousands, yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return number(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(plain(part) for part in value) or NO_VALUE
    return str(value) or NO_VALUE


@register.simple_tag
def fact(line: Fact) -> str | SafeString:
    """Return the value of a run's fact with its unit: a time as `<time>`, a share in percent."""
    if isinstance(line.value, datetime):
        return ago(line.value)
    if line.unit == pages_facts.SHARE:
        return percent(line.value)
    if line.unit == pages_facts.ALGORITHM:
        return algorithm(line.value)
    return f"{plain(line.value)}{THIN_SPACE if line.unit == 's' else ' '}{line.unit}".strip()


@register.filter
def step(text: str) -> str:
    """Return what a run is doing with names of algorithms as readers know them and a capital first."""
    name, colon, rest = text.partition(": ")
    if colon and charts.algorithm_name(name) != name:
        text = f"{charts.algorithm_name(name)}: {rest[:1].lower()}{rest[1:]}"
    return text[:1].upper() + text[1:]


@register.filter
def metric_name(metric_key: str) -> str:
    """Return the name of a metric as papers write it: ndcg@10 -> NDCG@10."""
    name, at, k = metric_key.partition("@")
    return (name.upper() if name in {"ndcg", "map", "mrr"} else words(name)) + at + k


@register.simple_tag
def change_bar(change: float, largest: float, colour_rank: int | None) -> SafeString:
    """Return a bar that grows from the middle: to the right for a rise, to the left for a fall."""
    width = round(50 * min(abs(change) / largest, 1.0), 1) if largest else 0.0
    return format_html(
        '<svg class="meter meter-open {}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect x="{}" width="{}" height="8"/><path class="meter-middle" d="M50 0V8"/></svg>',
        category_class(colour_rank),
        f"{50 if change > 0 else 50 - width:g}",
        f"{width:g}",
    )


@register.simple_tag
def drift_bar(score: float, most: float, edge: float) -> SafeString:
    """Return a drift score as a bar: grey up to the edge of noise, coloured beyond it."""
    most = max(most, edge)
    width, noise = (100 * min(max(part / most, 0.0), 1.0) for part in (score, edge))
    return format_html(
        '<svg class="meter meter-drift" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="meter-noise" width="{}" height="8"/><rect x="{}" width="{}" height="8"/></svg>',
        f"{min(width, noise):.1f}",
        f"{noise:.1f}",
        f"{max(width - noise, 0.0):.1f}",
    )
