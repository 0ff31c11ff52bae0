"""What may fill the places of a list, with its boosts and in its order; and what goes from page to page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from recommender.ranking.admission import Admission, Lift, lifted
from recommender.ranking.balancing import half


@dataclass(frozen=True, slots=True)
class Candidates:
    """Items that may fill places, best first.

    Attributes:
        rule: what places them where nothing else does
        is_count: scores count something, so their logarithm is what boosts add to
        is_ordered: their order stands, whatever the scores
        seen: those of them that the person has used before
    """

    items: Sequence[int]
    item_ids: Sequence[str]
    scores: Sequence[float]
    rule: str = ""
    is_count: bool = False
    is_ordered: bool = False
    seen: AbstractSet[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a list is: what the next page goes on from.

    Attributes:
        rank: of the last place filled
        taken: items that were shown
        items: the candidates that are left, in order
        values: what each counts: a score with its boosts
        low, high: the smallest and largest value when the list began
        seed: of the list's draws
        catalogue_below: where the catalogue goes on: at items of smaller keys; None: not begun
    """

    rank: int
    taken: frozenset[int]
    items: tuple[int, ...]
    values: tuple[float, ...]
    low: float
    high: float
    seed: int
    catalogue_below: int | None = None


class Pool:
    """Candidates that may be shown, best first.

    Attributes:
        items, item_ids, scores, values: of all of them; values are what they are ordered by
        left: the places in those of what is not shown yet, best first
        low, high: the smallest and largest value when the list began
    """

    def __init__(
        self,
        candidates: Candidates,
        *,
        admission: Admission,
        lifts: Sequence[Lift],
        may_enter: Callable[[int], bool],
        standing: Standing | None = None,
    ) -> None:
        """Take candidates, or what is left of them where `standing` says so."""
        self.candidates = candidates
        self.items, self.item_ids = candidates.items, candidates.item_ids
        self.scores: Sequence[float] = candidates.scores
        self.values: Sequence[float] = candidates.scores
        self._rules: list[str] = []
        admitted = admission.places(self.items, self.item_ids)
        self.left = [at for at in admitted if may_enter(self.items[at])]
        if lifts or candidates.is_count:
            self._lift(admission, lifts)
        if standing is not None:
            self._go_on(standing)
            return
        if (lifts or candidates.seen) and not candidates.is_ordered:
            self.left.sort(key=lambda at: -self.values[at])
        ends = [self.values[at] for at in self.left] or [0.0]
        self.low, self.high = half([min(ends), max(ends)])

    def halve(self) -> None:
        """Keep values as precise as a `Standing` that was written down, so that all pages agree."""
        self.values = half(self.values)

    def score_of(self, item: int) -> float:
        """Return the score of an item, 0 where it is no candidate."""
        try:
            return self.scores[self.items.index(item)]
        except ValueError:
            return 0.0

    def rule_of(self, at: int) -> str:
        """Return what places a candidate where nothing else does."""
        if self._rules and self._rules[at]:
            return self._rules[at]
        return "seen" if self.items[at] in self.candidates.seen else self.candidates.rule

    def _lift(self, admission: Admission, lifts: Sequence[Lift]) -> None:
        by = [0.0] * len(self.items)
        self._rules = [""] * len(self.items)
        for at in self.left if lifts else ():
            item = self.items[at]
            own = admission.categories.get(item, ())
            by[at], self._rules[at] = lifted(lifts, item, self.item_ids[at], own)
        # Where candidates have a rule of their own, that one tells more.
        if self.candidates.rule:
            self._rules = []
        if self.candidates.is_count:
            logs = [math.log(max(score, 1e-9)) for score in self.scores]
            self.values = [value + one for value, one in zip(logs, by, strict=True)]
            self.scores = [
                score * math.exp(one) for score, one in zip(self.scores, by, strict=True)
            ]
        else:
            self.values = [score + one for score, one in zip(self.scores, by, strict=True)]
            self.scores = self.values

    def _go_on(self, standing: Standing) -> None:
        """Take the order and the values of a list that was begun."""
        place = {self.items[at]: at for at in self.left}
        self.left = [place[item] for item in standing.items if item in place]
        then = dict(zip(standing.items, standing.values, strict=True))
        self.values = [
            then.get(item, value) for item, value in zip(self.items, self.values, strict=True)
        ]
        self.low, self.high = standing.low, standing.high
