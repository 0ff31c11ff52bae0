"""The sentence above each figure, and the table behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from interests.charts import marks
from interests.charts.marks import Mark
from interests.charts.series import Series, bands_of, grouped

# While nothing changes, 95 of 100 looks at a person find a score below this.
NOISE_UNTIL = 2.0
# A score from here on is not noise (interests/drift/scores.py).
NOTABLE_DRIFT = 3.0
# The least change of a weight worth a sentence.
MIN_CHANGE = 0.02


def weights_sentence(weights: Series, *, drift_score: float | None) -> str:
    """Say what the weights did: the largest rise or fall, since when, and whether it is more than noise."""
    if not weights.times:
        return "No states yet."
    last = weights.values[-1]
    top = max(range(len(last)), key=lambda place: last[place])
    if len(weights.times) == 1:
        return f"{weights.categories[top].name} leads with {_percent(last[top])}. One state so far."
    place, start = _largest_move(weights)
    before, now = weights.values[start][place], last[place]
    if abs(now - before) < MIN_CHANGE:
        leader = weights.categories[top].name
        return f"Steady: {leader} leads with {_percent(last[top])}, no weight moved by 2 points."
    verb = "rose" if now > before else "fell"
    return (
        f"{weights.categories[place].name} {verb} from {_percent(before)} to {_percent(now)} "
        f"since {_day(weights.times[start])}; {_sureness(drift_score)}."
    )


def shares_sentence(shares: Series) -> str:
    """Say what the raw events of the newest step were."""
    if not shares.times:
        return "No events in this window."
    last = shares.values[-1]
    top = max(range(len(last)), key=lambda place: last[place])
    count = shares.num_events[-1] if shares.num_events else 0
    return (
        f"{_percent(last[top])} of the {count:,} newest event{'' if count == 1 else 's'} "
        f"({_day(shares.times[-1])}) {'was' if count == 1 else 'were'} {shares.categories[top].name}."
    )


def drift_sentence(drift_scores: Sequence[float | None], *, num_events: int, needed: int) -> str:
    """Say whether recent interests lie farther from the usual than noise takes them."""
    score = drift_scores[-1] if drift_scores else None
    if score is None:
        return f"{num_events:,} events: too little to say; {needed} are needed."
    if score >= NOTABLE_DRIFT:
        return (
            f"Drift score {score:.1f}: interests have moved by more than this person's own noise."
        )
    if score > NOISE_UNTIL:
        return f"Drift score {score:.1f}: at the edge of this person's own noise."
    return f"Drift score {score:.1f}: within this person's own noise."


def interests_table(
    weights: Series,
    *,
    drift_scores: Sequence[float | None],
    active_days: Sequence[int] = (),
    drift_events: Sequence[Mark] = (),
) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows, newest first, of what a figure of interests over time shows.

    A drift event stands in the first row that is not before it.
    """
    shown = grouped(weights, bands_of(weights))
    names = [category.name for category in shown.categories]
    header = ["Until", "Events", "Active days", "Drift score", *names, "Drift events"]
    counts = weights.num_events or [0] * len(weights.times)
    days = active_days or [0] * len(weights.times)
    rows = []
    before = datetime.min.replace(tzinfo=UTC)
    for number, at in enumerate(weights.times):
        score = drift_scores[number]
        raised = [mark.change for mark in drift_events if before < mark.at <= at]
        before = at
        rows.append(
            [
                f"{at:%Y-%m-%d}",
                f"{counts[number]:,}",
                f"{days[number]:,}",
                "–" if score is None else f"{score:.1f}",
                *(_percent(value) for value in shown.values[number]),
                "; ".join(raised) or "–",
            ]
        )
    return header, rows[::-1]


def interests_sentence(
    weights: Series,
    *,
    drift_score: float | None,
    drift_events: Sequence[Mark] = (),
    active_days: int,
    needed: int,
) -> str:
    """Say the newest change of interests in words, without one what the weights did, and from how much that is."""
    count = weights.num_events[-1] if weights.num_events else 0
    if count < needed:
        return f"{_counted(count, 'event')}: too little to say; {needed} are needed."
    change = marks.newest(drift_events)
    said = (
        marks.change_sentence(change)
        if change
        else weights_sentence(weights, drift_score=drift_score)
    )
    return f"{said} From {_counted(count, 'event')} on {_counted(active_days, 'day')}."


def _largest_move(weights: Series) -> tuple[int, int]:
    """Return the category that moved most up to now and the place in time where it stood farthest off."""
    last = weights.values[-1]
    moves = [
        (round(abs(last[place] - row[place]), 9), last[place] > row[place], -start, place)
        for start, row in enumerate(weights.values)
        for place, category in enumerate(weights.categories)
        if category.colour_rank is not None
    ]
    if not moves:
        return 0, 0
    _, _, start, place = max(moves)  # of two alike, the rise
    return place, -start


def _sureness(drift_score: float | None) -> str:
    if drift_score is None:
        return "too few events to say whether that is noise"
    return "more than noise" if drift_score >= NOTABLE_DRIFT else "within this person's own noise"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"
