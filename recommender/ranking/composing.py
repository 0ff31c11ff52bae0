"""Putting a list together by the rules of a placement; pure: plain data in, plain data out.

A list is filled place by place. A page is a stretch of it; all pages of one list are put together by the same
steps in the same order, so pages agree with each other wherever they are asked for. What has to go from one
page to the next is a `Standing`.

Places are filled from candidates (the slate, or for strangers the first fallback that has any), then from the
other fallbacks in their order. Pins stand where they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from recommender.ranking.admission import Admission, Lift
from recommender.ranking.balancing import Balance
from recommender.ranking.candidates import Candidates, Pool, Standing
from recommender.ranking.drawing import Draws
from recommender.ranking.filling_up import Catalogue, Everything
from recommender.ranking.rules import Rules


@dataclass(frozen=True, slots=True)
class Placed:
    """An item of an answer.

    Attributes:
        item: key
        item_id: the client's id
        rank: counted from 1 over all pages of the list
        score: a slate's score (log odds, boosts added), or events in the window of a fallback
        rule: what placed it: "" the slate's own order, "pin", "boost", "own_boost", "burial", "seen",
            "diversity", "calibration", "novelty", "exploration", or "fallback:" and which, such as "fallback:popular_30d"
    """

    item: int
    item_id: str
    rank: int
    score: float
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of items and of the person, beside the candidates.

    Attributes:
        used_categories: keys of the categories that interests follow, by item
        common: items that are no novelty: many people have used them
        pins: key and id by rank, those that hold now
        lifts: boosts and burials that hold now
        fillers: further candidates, in order; each is asked only when it is needed
        catalogue: the last fallback; None where it is none
        weights: of the person's interests by category, 0 for items without one; empty: not known
    """

    used_categories: Mapping[int, tuple[int, ...]]
    common: AbstractSet[int] = frozenset()
    pins: Mapping[int, tuple[int, str]] | None = None
    lifts: Sequence[Lift] = ()
    fillers: Sequence[Callable[[], Candidates]] = ()
    catalogue: Everything | None = None
    weights: Mapping[int, float] | None = None


class Composer:
    """One list of one person. Ask it for its pages in order."""

    def __init__(
        self,
        rules: Rules,
        candidates: Candidates,
        *,
        admission: Admission,
        pin_admission: Admission,
        around: Surroundings,
        seed: int,
        standing: Standing | None = None,
    ) -> None:
        """Begin a list, or go on with one where `standing` says where it stands.

        Args:
            candidates: with `standing` those that it names, with the ids and scores that they have now
        """
        self._rules, self._admission, self._around = rules, admission, around
        self._rank = standing.rank if standing else 0
        self._taken = set(standing.taken) if standing else set()
        self._seed = standing.seed if standing else seed
        self._pins = {
            rank: pin
            for rank, pin in sorted((around.pins or {}).items())
            if rank > self._rank and pin[0] not in self._taken and pin_admission.admits(*pin)
        }
        self._pinned = {item for item, _ in self._pins.values()}
        self._pool = self._make_pool(candidates, standing)
        self._fillers: list[Pool] = []
        self._unasked = list(around.fillers)
        self._catalogue = Catalogue(
            around.catalogue, standing.catalogue_below if standing else None
        )
        self._draws = Draws(self._seed, exploration=rules.exploration, novelty=rules.novelty)
        self._counts: dict[int, int] = {}
        self._was_blocked, self._end = False, 0
        self._balance = self._begin_balance()
        self.has_more = True

    def skip(self, offset: int, n: int) -> None:
        """Go past the first `offset` places, in pages that end where one of `n` begins."""
        for length in [offset % n] * bool(offset % n) + [n] * (offset // n):
            if self.has_more:
                self.page(length)
            else:
                self._rank += length

    def page(self, n: int) -> list[Placed]:
        """Return the next `n` places; fewer where nothing is left that may be shown."""
        self._counts, self._was_blocked, self._end = {}, False, self._rank + n
        ranks = range(self._rank + 1, self._end + 1)
        for rank in ranks:
            if rank in self._pins:
                self._count(self._pins[rank][0])
        placed: list[Placed] = []
        for rank in ranks:
            found = self._pin(rank) or self._best(rank) or self._late_pin(rank)
            if found is None:
                # What has only too many of its category above it comes on a later page.
                self.has_more = self._was_blocked or bool(self._pins)
                break
            placed.append(found)
        self._rank += n
        return placed

    def standing(self) -> Standing:
        """Return what the next page goes on from."""
        pool = self._pool
        return Standing(
            rank=self._rank,
            taken=frozenset(self._taken - self._catalogue.behind()),
            items=tuple(pool.items[at] for at in pool.left),
            values=tuple(pool.values[at] for at in pool.left),
            low=pool.low,
            high=pool.high,
            seed=self._seed,
            catalogue_below=self._catalogue.below(),
        )

    def _make_pool(self, candidates: Candidates, standing: Standing | None = None) -> Pool:
        return Pool(
            candidates,
            admission=self._admission,
            lifts=self._around.lifts,
            may_enter=self._may_enter,
            standing=standing,
        )

    def _may_enter(self, item: int) -> bool:
        return item not in self._taken and item not in self._pinned

    def _begin_balance(self) -> Balance | None:
        rules, weights, pool = self._rules, self._around.weights, self._pool
        calibration = rules.calibration if weights else 0.0
        if not (rules.diversity or calibration) or not pool.left:
            return None
        pool.halve()
        used = self._around.used_categories
        balance = Balance(
            values=pool.values,
            low=pool.low,
            high=pool.high,
            categories=[used.get(item, ()) for item in pool.items],
            weights=weights or {},
            diversity=rules.diversity,
            calibration=calibration,
        )
        for item in sorted(self._taken):
            balance.take(used.get(item, ()))
        return balance

    def _pin(self, rank: int) -> Placed | None:
        item, item_id = self._pins.pop(rank, (0, ""))
        return self._place(item, item_id, rank, self._pool.score_of(item), "pin") if item else None

    def _late_pin(self, rank: int) -> Placed | None:
        """Nothing else is left: the pins of further down come up, of this page first."""
        later = min(self._pins, default=0)
        if later > self._end and self._was_blocked:
            return None
        item, item_id = self._pins.pop(later, (0, ""))
        return self._place(item, item_id, rank, self._pool.score_of(item), "pin") if item else None

    def _best(self, rank: int) -> Placed | None:
        pool = self._pool
        fitting = self._fitting(pool)
        first = next(fitting, None)
        if first is None:
            return self._filler(rank)
        at, rule = self._choose(rank, first, fitting)
        return self._from_pool(pool, at, rank, rule)

    def _choose(self, rank: int, first: int, others: Iterator[int]) -> tuple[int, str]:
        """Return the place of a candidate among them, and the rule that chose it, "" for their own order."""
        kind = self._draws.kind(rank)
        if not kind and self._balance is None:
            return first, ""
        every = [first, *others]
        if kind == "exploration":
            begin = self._rules.length if len(every) > self._rules.length else 0
            return every[begin + int(self._draws.share(rank) * (len(every) - begin))], kind
        if kind == "novelty":
            fresh = [at for at in every if self._pool.items[at] not in self._around.common]
            if fresh:
                return self._balance.best(fresh) if self._balance else fresh[0], kind
        if self._balance is None:
            return first, ""
        at = self._balance.best(every)
        return at, "" if at == first else self._balance.stronger

    def _filler(self, rank: int) -> Placed | None:
        for pool in self._asked():
            items = pool.items
            entering = (at for at in pool.left if self._may_enter(items[at]))
            at = next((at for at in entering if self._fits(items[at])), None)
            if at is not None:
                return self._from_pool(pool, at, rank, "")
        found = self._catalogue.next(self._may_be_filled, self._fits)
        if found is None:
            self._was_blocked = self._was_blocked or self._catalogue.is_waiting
            return None
        self._count(found[0])
        return self._place(*found, rank, 0.0, "fallback:catalogue")

    def _asked(self) -> Iterator[Pool]:
        """Yield the other fallbacks, each made only when those before it have nothing that fits."""
        yield from self._fillers
        while self._unasked:
            self._fillers.append(self._make_pool(self._unasked.pop(0)()))
            yield self._fillers[-1]

    def _may_be_filled(self, item: int, item_id: str) -> bool:
        return self._may_enter(item) and self._admission.admits(item, item_id)

    def _fitting(self, pool: Pool) -> Iterator[int]:
        if self._rules.max_per_category is None:
            return iter(pool.left)
        return (at for at in pool.left if self._fits(pool.items[at]))

    def _fits(self, item: int) -> bool:
        most = self._rules.max_per_category
        if most is None:
            return True
        own = self._admission.categories.get(item, ())
        fits = all(self._counts.get(one, 0) < most for one in own)
        self._was_blocked = self._was_blocked or not fits
        return fits

    def _count(self, item: int) -> None:
        if self._rules.max_per_category is not None:
            for own in self._admission.categories.get(item, ()):
                self._counts[own] = self._counts.get(own, 0) + 1

    def _from_pool(self, pool: Pool, at: int, rank: int, rule: str) -> Placed:
        pool.left.remove(at)
        self._count(pool.items[at])
        rule = rule or pool.rule_of(at)
        return self._place(pool.items[at], pool.item_ids[at], rank, pool.scores[at], rule)

    def _place(self, item: int, item_id: str, rank: int, score: float, rule: str) -> Placed:
        self._taken.add(item)
        self._pinned.discard(item)
        if self._balance is not None:
            self._balance.take(self._around.used_categories.get(item, ()))
        return Placed(item, item_id, rank, score, rule)
