"""From what is stored to what `ranking.composing` takes: candidates, who may be shown, what counts more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

from recommender.ranking import interleaving
from recommender.ranking.admission import Admission, Lift
from recommender.ranking.candidates import Candidates, Standing
from recommender.ranking.composing import Composer, Placed, Surroundings
from recommender.ranking.rules import Fallback, Rules, SeenPolicy
from recommender.selectors import reading
from recommender.selectors.reading import Person, Used, Wanted
from recommender.services.planning import Plan
from recommender.services.shelf import WINDOW_NAMES, Shelf

# Items of a slate that are read beyond those asked for, where no rule looks further down. Where more of them were
# hidden or used just now, all are read.
SPARE = 5
WINDOWS = {Fallback(name): window for window, name in WINDOW_NAMES.items()}
NOBODY = frozenset[int]()
OWN = ("slate", "interleaved", "")  # sources that mean the person's own list


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says.

    Attributes:
        standing: of a list that goes on; None: begins
        wants_next: whether a cursor is asked for
    """

    user_id: str
    n: int
    now: datetime
    offset: int = 0
    category: str = ""
    exclude: frozenset[str] = frozenset()
    standing: Standing | None = None
    wants_reasons: bool = False
    wants_next: bool = False


@dataclass
class Assembly:
    """A list ready to be composed.

    Attributes:
        composer: gives its pages
        seed: of its draws
        is_personal: candidates are the person's own
        counted_at: when the candidates were counted, where they are not
        hidden: taken as hidden; add to it and assemble again where more turn out to be
        teams: of interleaved lists: whether the second one gave an item
    """

    composer: Composer
    seed: int
    is_personal: bool
    counted_at: datetime | None = None
    teams: dict[int, bool] = field(default_factory=dict)


def wanted(plan: Plan, asked: Asked) -> Wanted:
    """Return what has to be read of a person."""
    rules, standing = plan.rules, asked.standing
    return Wanted(
        num=asked.offset + asked.n + SPARE + len(asked.exclude) if is_light(plan, asked) else None,
        given=standing.items if standing else (),
        seen=rules.seen != SeenPolicy.NEVER,
        weights=rules.calibration > 0,
        reasons=asked.wants_reasons,
    )


def is_light(plan: Plan, asked: Asked) -> bool:
    """Tell whether no rule looks further down the slate than the page that is asked for."""
    rules = plan.rules
    looks_further = (
        rules.where or rules.categories_in or rules.categories_out or rules.boosts
        or rules.max_per_category or rules.diversity or rules.calibration or rules.novelty
        or rules.exploration or rules.seen != SeenPolicy.NEVER or plan.other_source is not None
        or asked.category or asked.wants_next or asked.standing
    )  # fmt: skip
    return not looks_further


def plain_page(plan: Plan, asked: Asked, person: Person | None) -> tuple[Placed, ...] | None:
    """Return a page that is the slate's own, the quick way; None where it has to be composed.

    `person.hidden` and `person.used` say all there is to say of the slate's items.
    """
    if (
        person is None or person.publication is None or person.muted or person.boosts
        or plan.source not in OWN or plan.rules.pins or not is_light(plan, asked)
    ):  # fmt: skip
        return None
    items, item_ids, scores = person.items, person.item_ids, person.scores
    places: Sequence[int] = range(len(items))
    if person.hidden or person.used or asked.exclude:
        out = {*person.hidden, *(one.item for one in person.used)}
        exclude = asked.exclude
        places = [at for at in places if items[at] not in out and item_ids[at] not in exclude]
    page = places[asked.offset : asked.offset + asked.n]
    if len(page) < asked.n:
        return None
    return tuple(
        Placed(items[at], item_ids[at], rank, scores[at])
        for rank, at in enumerate(page, asked.offset + 1)
    )


def assemble(
    plan: Plan, asked: Asked, person: Person | None, shelf: Shelf, *, hidden: set[int]
) -> Assembly:
    """Make a list ready.

    Args:
        person: None where nobody is known by the id
        hidden: items found hidden that the shelf does not know of yet
    """
    return _Assembler(plan, asked, person, shelf, hidden).assemble()


class _Assembler:
    def __init__(
        self, plan: Plan, asked: Asked, person: Person | None, shelf: Shelf, hidden: set[int]
    ) -> None:
        self._plan, self._asked, self._shelf = plan, asked, shelf
        self._rules: Rules = plan.rules
        # Who opted out gets what everybody gets, and what they muted stays away all the same.
        self._is_opted_out = person is not None and person.is_opted_out
        self._person = person
        self._hidden = shelf.hidden | hidden if hidden else shelf.hidden
        self._within = self._categories_within()
        self._used = set(self._unwanted(person.used if person else ()))
        self._knows_all_used = person is None or self._is_opted_out
        category_id = shelf.category_ids.get(asked.category)
        self._asked_categories = (category_id,) if category_id is not None else ()

    def assemble(self) -> Assembly:
        """Make the list ready."""
        person, plan = self._person, self._plan
        teams: dict[int, bool] = {}
        counted_at = None
        own = self._own(plan.source)
        is_personal = own is not None
        seed = self._seed()
        if own is None:
            name, own = self._first_fallback(plan.source)
            counted_at = self._counted_at(name)
        if plan.other_source is not None:
            other = self._own(plan.other_source) or self._first_fallback(plan.other_source)[1]
            own, teams = interleaving.draft(self._kept(own), self._kept(other), seed=seed)
        if self._asked.standing is not None:
            own = self._going_on(own, self._asked.standing)
        admission = self._admission()
        barred = frozenset(person.muted) if person else NOBODY
        within = self._within[1:] if self._rules.categories_in else self._within
        composer = Composer(
            self._rules,
            own,
            admission=admission,
            pin_admission=admission.of_pins(within=within, barred=barred),
            around=self._around(own.rule),
            seed=seed,
            standing=self._asked.standing,
        )
        return Assembly(composer, seed, is_personal, counted_at, teams)

    def _own(self, source: str) -> Candidates | None:
        """Return the person's own candidates, None where something else is asked for or there are none."""
        person = self._person
        if source not in OWN or person is None or person.publication is None or self._is_opted_out:
            return None
        if not person.seen_items:
            return Candidates(person.items, person.item_ids, person.scores)
        return self._with_seen(person)

    def _with_seen(self, person: Person) -> Candidates:
        """Return the slate and the used items that may be shown again, by score."""
        last = dict(zip(person.seen_items, person.seen_at, strict=True))
        for one in person.used:
            last[one.item] = max(one.at, last.get(one.item, one.at))
        shown = [
            at for at, item in enumerate(person.seen_items) if not self._is_too_recent(last[item])
        ]
        return Candidates(
            items=[*person.items, *(person.seen_items[at] for at in shown)],
            item_ids=[*person.item_ids, *(person.seen_item_ids[at] for at in shown)],
            scores=[*person.scores, *(person.seen_scores[at] for at in shown)],
            seen=frozenset(person.seen_items),
        )

    def _first_fallback(self, source: str) -> tuple[Fallback | None, Candidates]:
        """Return the first fallback that has anything to show, and its items."""
        for name in self._fallbacks(source):
            found = self._popular(name)
            if found is not None and self._admission().places(found.items, found.item_ids):
                return name, found
        return None, Candidates((), (), ())

    def _fallbacks(self, source: str) -> list[Fallback]:
        first = [Fallback(source)] if source in WINDOWS else []
        return [*first, *(one for one in self._rules.fallbacks if one not in first)]

    def _popular(self, name: Fallback) -> Candidates | None:
        window = WINDOWS.get(name)
        if window is None or self._asked.category and not self._asked_categories:
            return None
        self._learn_all_used()
        return self._shelf.popular(window, self._asked_categories or sorted(self._categories_in()))

    def _counted_at(self, name: Fallback | None) -> datetime | None:
        window = WINDOWS.get(name) if name is not None else None
        categories = self._asked_categories or (0,)
        return self._shelf.counted_at(window, categories[0]) if window else None

    def _going_on(self, own: Candidates, standing: Standing) -> Candidates:
        """Return the candidates with the items of a list that goes on and that have left the slate since."""
        missing = set(standing.items) - set(own.items)
        if not missing:
            return own
        ids = {item: found for item in missing if (found := self._shelf.id_of(item)) is not None}
        if unknown := missing - set(ids):
            ids |= reading.ids_of(unknown)
        gone = [item for item in standing.items if item in ids]
        values = dict(zip(standing.items, standing.values, strict=True))
        if own.is_count:
            values = {item: math.exp(min(value, 700.0)) for item, value in values.items()}
        return Candidates(
            items=[*own.items, *gone],
            item_ids=[*own.item_ids, *(ids[item] for item in gone)],
            scores=[*own.scores, *(values[item] for item in gone)],
            rule=own.rule,
            is_count=own.is_count,
            is_ordered=own.is_ordered,
            seen=own.seen,
        )

    def _kept(self, own: Candidates) -> Candidates:
        """Return the candidates that may be shown: lists are mixed out of those alone."""
        places = self._admission().places(own.items, own.item_ids)
        return Candidates(
            items=[own.items[at] for at in places],
            item_ids=[own.item_ids[at] for at in places],
            scores=[own.scores[at] for at in places],
            rule=own.rule,
            seen=own.seen,
        )

    def _admission(self) -> Admission:
        person, shelf, asked = self._person, self._shelf, self._asked
        barred = self._ids_of(self._rules.categories_out)
        if person is not None and person.muted:
            barred |= frozenset(person.muted)
        hidden = self._hidden
        if person is not None and person.hidden:
            hidden = hidden.union(person.hidden)
        return Admission(
            categories=shelf.categories,
            hidden=hidden,
            used=self._used,
            excluded=asked.exclude,
            within=self._within,
            barred=barred,
            where=shelf.where(self._rules.where, now=asked.now),
        )

    def _around(self, rule: str) -> Surroundings:
        person, shelf, rules = self._person, self._shelf, self._rules
        is_known = person is not None and not self._is_opted_out
        name = rule.partition(":")[2]
        fillers = [
            self._filler(one)
            for one in self._fallbacks(self._plan.source)
            if one in WINDOWS and one != name
        ]
        return Surroundings(
            used_categories=shelf.used_categories,
            common=shelf.common,
            pins=self._pins() if rules.pins else None,
            lifts=self._lifts() if rules.boosts or is_known and person and person.boosts else (),
            fillers=fillers,
            catalogue=self._everything if Fallback.CATALOGUE in rules.fallbacks else None,
            weights=person.weights if is_known and person else None,
        )

    def _filler(self, name: Fallback) -> Callable[[], Candidates]:
        return lambda: self._popular(name) or Candidates((), (), ())

    def _everything(self, below: int | None) -> Sequence[tuple[int, str]]:
        if self._asked.category and not self._asked_categories:
            return ()
        self._learn_all_used()
        categories = self._asked_categories or sorted(self._categories_in())
        if self._rules.categories_in and not categories:
            return ()
        return self._shelf.everything(categories, self._rules.where)(below)  # type: ignore[return-value]

    def _pins(self) -> dict[int, tuple[int, str]]:
        found = {}
        for pin in self._rules.pins:
            key = self._shelf.key_of(pin.item_id) if pin.window.holds(self._asked.now) else None
            if key is not None:
                found[pin.rank] = key, pin.item_id
        return found

    def _lifts(self) -> list[Lift]:
        now, shelf = self._asked.now, self._shelf
        found = []
        for boost in self._rules.boosts:
            if not boost.window.holds(now):
                continue
            category = shelf.category_ids.get(boost.category, -1) if boost.category else 0
            where = shelf.where(boost.where, now=now)
            found.append(Lift(math.log(boost.factor), boost.item_id, category, where))
        person = self._person
        if person is not None and person.boosts and not self._is_opted_out:
            for key, factor in person.boosts.items():
                if factor > 0:
                    found.append(Lift(math.log(factor), category=key, is_own=True))
        return found

    def _categories_in(self) -> frozenset[int]:
        return self._ids_of(self._rules.categories_in)

    def _categories_within(self) -> tuple[frozenset[int], ...]:
        """Return what an item needs a category of: the placement's first, then the request's."""
        found = []
        if self._rules.categories_in:
            found.append(self._categories_in())
        if self._asked.category:
            found.append(self._ids_of((self._asked.category,)))
        return tuple(found)

    def _ids_of(self, names: Sequence[str]) -> frozenset[int]:
        known = self._shelf.category_ids
        return frozenset(known[name] for name in names if name in known)

    def _unwanted(self, used: Sequence[Used]) -> list[int]:
        """Return which of the used items are not shown again."""
        if self._is_opted_out:
            return []
        hides = self._rules.hides_negative
        return [
            one.item for one in used if self._is_too_recent(one.at) or hides and one.is_negative
        ]

    def _is_too_recent(self, at: datetime) -> bool:
        match self._rules.seen:
            case SeenPolicy.NEVER:
                return True
            case SeenPolicy.ALWAYS:
                return False
        return at > self._asked.now - timedelta(days=self._rules.seen_days)

    def _learn_all_used(self) -> None:
        """Read everything that the person has used: what is not from their slate may be among it."""
        if not self._knows_all_used and self._person is not None:
            self._knows_all_used = True
            self._used.update(self._unwanted(reading.used_by(self._person.end_user)))

    def _seed(self) -> int:
        person = self._person
        who = f"{person.end_user}\0{person.generated_at}" if person else self._asked.user_id
        text = f"{who}\0{self._plan.placement_id}".encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
