"""Two end users side by side: what each wants now and how much of it they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interests import charts
from interests.models import EndUser
from interests.selectors import states
from interests.selectors.states import CategoryName, CurrentState
from recommender.selectors import pages_end_user_drift
from recommender.selectors.pages_end_user_drift import DriftLine

ID_SHOWN = 80


class CannotCompare(Exception):
    """Two different people are needed; the message says what is wrong with what was asked."""


@dataclass(frozen=True)
class Side:
    """One of the two."""

    pk: int
    user_id: str
    num_events: int
    active_days: int
    drift_score: float | None
    state: CurrentState | None
    drift_events: list[DriftLine]


@dataclass(frozen=True)
class Pair:
    """One category as both want it now."""

    category: CategoryName
    first: float
    second: float

    @property
    def difference(self) -> float:
        return self.second - self.first


@dataclass(frozen=True)
class Comparison:
    """Both sides and their categories, the widest difference first; `in_common` None: one has no state."""

    sides: tuple[Side, Side]
    pairs: list[Pair]
    in_common: float | None


def comparison(first: str, second: str) -> Comparison:
    """Return two end users, given by their user ids, side by side.

    Raises:
        CannotCompare: an id is missing or unknown, or both are the same.
    """
    wanted = (first, second)
    if not all(wanted):
        raise CannotCompare("Two user ids are needed: type the one that is missing.")
    if first == second:
        raise CannotCompare("Both are the same person. Type another user id on one side.")
    found = {row.user_id: row for row in EndUser.objects.filter(user_id__in=wanted)}
    unknown = [user_id[:ID_SHOWN] for user_id in wanted if user_id not in found]
    if unknown:
        are = "is no end user" if len(unknown) == 1 else "are no end users"
        raise CannotCompare(
            f"There {are} with the id {' or '.join(unknown)}. Ids are compared letter for letter; "
            "the list of end users finds them by a part."
        )
    one, other = _side(found[first]), _side(found[second])
    pairs = _pairs(one.state, other.state)
    common = None
    if one.state is not None and other.state is not None:
        common = charts.in_common([pair.first for pair in pairs], [pair.second for pair in pairs])
    return Comparison((one, other), pairs, common)


def shown(pairs: Sequence[Pair], *, limit: int) -> list[Pair]:
    """Return the categories that matter most to either, the largest first."""
    return sorted(pairs, key=lambda pair: -max(pair.first, pair.second))[:limit]


def _side(person: EndUser) -> Side:
    state = states.current_state(person.pk)
    return Side(
        pk=person.pk,
        user_id=person.user_id,
        num_events=person.num_events,
        active_days=state.active_days if state else 0,
        drift_score=person.drift_score,
        state=state,
        drift_events=pages_end_user_drift.drift_lines(end_user_id=person.pk),
    )


def _pairs(first: CurrentState | None, second: CurrentState | None) -> list[Pair]:
    weights = [
        {row.category: row.weight for row in state.categories} if state else {}
        for state in (first, second)
    ]
    categories = dict.fromkeys([*weights[0], *weights[1]])
    pairs = [Pair(key, weights[0].get(key, 0.0), weights[1].get(key, 0.0)) for key in categories]
    return sorted(pairs, key=lambda pair: -abs(pair.difference))
