"""What the figures of the population show, in a sentence each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

from interests.charts.population import Flow

# One set of looks in twenty finds its largest beyond the noise while nothing changes.
FALSE_ALARM = 0.05
NUM_BEFORE = 12


@dataclass(frozen=True)
class Move:
    """A category's share in a period against those before, in a segment or in all.

    Attributes:
        before: share in the periods before; None: unknown
        significance: in standard normal units
    """

    name: str
    period: date
    before: float | None
    share: float
    significance: float
    segment: str = ""


def noise_of_looks(num_looks: int) -> float:
    """Return how far chance takes the largest of so many significances in one case of twenty (Bonferroni)."""
    return NormalDist().inv_cdf(1 - FALSE_ALARM / (2 * max(num_looks, 1)))


def period_name(period: date, kind: str) -> str:
    """Return how a period is called: "the week of 4 May 2026", "May 2026", "the second quarter of 2026", "2026"."""
    if kind == "week":
        return f"the week of {period.day} {period:%B %Y}"
    if kind == "quarter":
        return f"the {('first', 'second', 'third', 'fourth')[(period.month - 1) // 3]} quarter of {period:%Y}"
    return f"{period:%Y}" if kind == "year" else f"{period:%B %Y}"


def short_period_name(period: date, kind: str) -> str:
    """Return how a period is called where there is little room: "4 May 2026", "May 2026", "Q2 2026", "2026"."""
    if kind == "week":
        return f"{period.day} {period:%b %Y}"
    if kind == "quarter":
        return f"Q{(period.month + 2) // 3} {period:%Y}"
    return f"{period:%Y}" if kind == "year" else f"{period:%b %Y}"


def surest_sentence(moves: Sequence[Move], *, period: str) -> str:
    """Say which of all looks at a share is the surest move, and whether chance alone would have done it."""
    looked = [move for move in moves if move.significance]
    if not looked:
        return f"Too little to say what moves: nothing to hold one {period} against another yet."
    # Of two alike, the rise.
    surest = max(looked, key=lambda move: (round(abs(move.significance), 3), move.significance))
    who = f" in the segment {surest.segment}" if surest.segment else ""
    looks = f"{len(looked):,} look{'' if len(looked) == 1 else 's'}"
    if abs(surest.significance) < noise_of_looks(len(looked)):
        return f"Nothing moved by more than noise in {looks}; nearest to it is {surest.name}{who} in {period_name(surest.period, period)}."
    verb = "rose" if surest.significance > 0 else "fell"
    start = "" if surest.before is None else f" from {_percent(surest.before)}"
    return (
        f"{surest.name} {verb}{who}{start} to {_percent(surest.share)} in {period_name(surest.period, period)}, "
        f"against up to {NUM_BEFORE} {period}s before: more than noise, even as the surest of {looks}."
    )


def flows_sentence(
    rows: Sequence[Flow], *, in_all: float, num_end_users: float, since: str, until: str
) -> str:
    """Say where interest went on balance, and how much of all movement that is.

    Args:
        rows: what went on balance, the largest first.
        in_all: what moved at all, back and forth, in end users.
        num_end_users: whose interests could be followed.
    """
    if not rows:
        return f"No interest changed its place between {since} and {until}."
    net = sum(row.end_users for row in rows)
    first = rows[0]
    return (
        f"From {since} to {until}, interest worth {net:,.1f} of {num_end_users:,.0f} end users changed its place on balance, "
        f"most of it from {first.start.name} to {first.end.name} ({first.end_users:,.1f}). "
        f"Back and forth it was {in_all:,.1f}."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
