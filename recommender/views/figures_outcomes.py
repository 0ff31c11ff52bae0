"""Figures and words of what came of answers, and of how far slates are behind events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from recommender import charts
from recommender.charts import Rates
from recommender.selectors.pages_lag import Sample
from recommender.selectors.pages_outcomes import METRIC_NAMES, Metric, Moment, Part, Rate
from recommender.templatetags import words
from recommender.views.figures import Choice, Figure

SHARES = frozenset({Metric.CLICK_THROUGH, Metric.CONVERSION, Metric.SATISFACTION})
# What the vertical axis shows.
AXES = {
    Metric.CLICK_THROUGH: "clicked, of items seen",
    Metric.CONVERSION: "converted, of items seen",
    Metric.DWELL: "seconds a look",
    Metric.SATISFACTION: "likes, of likes and dislikes",
    Metric.RATING: "mean rating",
}
# What to send for it to be known.
SENT_AS = {
    Metric.CLICK_THROUGH: "send the kind impression",
    Metric.CONVERSION: "send the kind impression",
    Metric.DWELL: "send the kind dwell with its seconds",
    Metric.SATISFACTION: "send the kinds like and dislike",
    Metric.RATING: "send the kind rating with its value",
}
OF_WHAT = {
    Metric.CLICK_THROUGH: "items seen",
    Metric.CONVERSION: "items seen",
    Metric.DWELL: "looks",
    Metric.SATISFACTION: "likes and dislikes",
    Metric.RATING: "ratings",
}


def value_words(metric: str, value: float) -> str:
    """Return a rate with its unit: 4.1 %, 12.3 s, 3.9."""
    if metric in SHARES:
        return words.percent(value, 2 if value < 0.01 else 1)
    return f"{words.number(value, 1)}{words.THIN_SPACE + 's' if metric == Metric.DWELL else ''}"


def rate_words(rate: Rate) -> str:
    """Return a rate with half of its interval: 4.1 % ± 0.3."""
    said = value_words(rate.metric, rate.value)
    if rate.half_width is None:
        return said
    half = 100 * rate.half_width if rate.metric in SHARES else rate.half_width
    decimals = 2 if rate.metric in SHARES and rate.value < 0.01 else 1
    return f"{said} ± {words.number(half, decimals)}"


def change_words(rate: Rate, *, days: int) -> str:
    """Say how a rate differs from the window before and whether that is more than noise."""
    before = "the day before" if days == 1 else f"the {days} days before"
    if rate.change is None:
        return f"nothing to compare with in {before}"
    difference = rate.change.difference
    if rate.metric in SHARES:
        size = words.signed_points(difference)
    else:
        unit = f"{words.THIN_SPACE}s" if rate.metric == Metric.DWELL else ""
        size = f"{difference:+.1f}".replace("-", words.MINUS) + unit
    sure = {True: "more than noise", False: "could be noise", None: "too few people to be sure"}
    return f"{size} against {before}, {sure[rate.change.is_sure]}"


def metric_sentence(rate: Rate, *, days: int) -> str:
    """Say in one sentence how a metric stands."""
    window = "the last 24 hours" if days == 1 else f"the last {days} days"
    people = f"{rate.num_people:,} {'person' if rate.num_people == 1 else 'people'}"
    return (
        f"{METRIC_NAMES[Metric(rate.metric)]} is {rate_words(rate)} over {window}, of "
        f"{words.number(rate.denominator)} {OF_WHAT[Metric(rate.metric)]} by {people}; "
        f"{change_words(rate, days=days)}."
    )


def personal_sentence(parts: Sequence[Part]) -> str:
    """Say how personal answers do beside those that everybody gets, "" where there is only one of them."""
    by_key = {part.key: part.rates.get(Metric.CLICK_THROUGH) for part in parts}
    personal, other = by_key.get("slate"), by_key.get("fallback")
    if personal is None or other is None:
        return ""
    said = f"Personal answers: {rate_words(personal)} of items seen are clicked; fallback: {rate_words(other)}"
    if personal.low is None or other.low is None or personal.high is None or other.high is None:
        return f"{said}. Too few people to say which is better."
    if not other.value:
        return f"{said}."
    ratio = f"{personal.value / other.value:.1f} times as many"
    is_apart = personal.low > other.high or personal.high < other.low
    return f"{said}: {ratio}, {'more than noise' if is_apart else 'could be noise'}."


def over_time(
    lines: Sequence[tuple[str, Sequence[Moment]]],
    *,
    metric: Metric,
    sentence: str,
    choices: Sequence[Choice],
    is_hourly: bool,
    window: tuple[datetime, datetime],
    file: str,
) -> Figure:
    """Return a metric by hour or day, a line for each part."""
    drawn = [
        Rates(
            name=name,
            times=[moment.begins_at for moment in moments],
            values=[moment.rate.value for moment in moments],
            low=[moment.rate.low for moment in moments],
            high=[moment.rate.high for moment in moments],
            notes=[_note(name, moment, is_hourly) for moment in moments],
        )
        for name, moments in lines
    ]
    return Figure(
        name="over-time",
        question=f"How does {METRIC_NAMES[metric].lower()} go over time?",
        sentence=sentence,
        plot=charts.rates_over_time(
            drawn,
            title=AXES[metric],
            is_share=metric in SHARES,
            is_hourly=is_hourly,
            window=window,
        ),
        header=["Hour" if is_hourly else "Day", "Part", METRIC_NAMES[metric], "Low", "High", OF_WHAT[metric].capitalize(), "People"],
        rows=[
            [
                _when(moment.begins_at, is_hourly),
                name,
                value_words(metric, moment.rate.value),
                _or_dash(metric, moment.rate.low),
                _or_dash(metric, moment.rate.high),
                words.number(moment.rate.denominator),
                words.number(moment.rate.num_people),
            ]
            for name, moments in lines
            for moment in reversed(moments)
        ],
        file=file,
        choices=choices,
    )  # fmt: skip


def lag_figure(samples: Sequence[Sample], *, sentence: str) -> Figure | None:
    """Return the lag over the last hours, None before two minutes of it are known."""
    if len(samples) < 2:
        return None
    return Figure(
        name="lag",
        question="Do recommendations keep up with events?",
        sentence=sentence,
        plot=charts.lag_over_time(
            [sample.at for sample in samples],
            [sample.lag_seconds for sample in samples],
            [
                f"{timezone.localtime(sample.at):%H:%M}: {sample.lag_seconds:,.0f} s behind,<br>"
                f"{sample.num_waiting:,} waiting, {sample.num_refreshed:,} renewed"
                for sample in samples
            ],
        ),
        header=["Time", "Seconds behind", "People waiting", "Set aside", "Renewed in the minute"],
        rows=[
            [
                f"{timezone.localtime(sample.at):%-d %b, %H:%M}",
                words.number(sample.lag_seconds, 1),
                words.number(sample.num_waiting),
                words.number(sample.num_set_aside),
                words.number(sample.num_refreshed),
            ]
            for sample in reversed(samples)
        ],
        file="lag",
        size="low",
    )


def _note(name: str, moment: Moment, is_hourly: bool) -> str:
    rate = moment.rate
    first = f"{name}<br>" if name else ""
    return (
        f"{first}{_when(moment.begins_at, is_hourly)}: {rate_words(rate)}<br>"
        f"{rate.denominator:,.0f} {OF_WHAT[Metric(rate.metric)]}, {rate.num_people:,} people"
    )


def _when(at: datetime, is_hourly: bool) -> str:
    # Days are those of UTC, whatever the account's zone.
    return f"{timezone.localtime(at):%-d %b, %H:%M}" if is_hourly else f"{at:%-d %b %Y}"


def _or_dash(metric: str, value: float | None) -> str:
    return words.NO_VALUE if value is None else value_words(metric, value)
