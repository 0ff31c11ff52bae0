"""What a web process keeps in memory of items, so that rules cost no query: categories, who is hidden, what is
popular, and for each expression in use the items for which it is true. Attributes of items are read while an
expression is compiled and are not kept.
"""

from __future__ import annotations

import bisect
import heapq
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from recommender.ranking import expressions
from recommender.ranking.admission import Where
from recommender.ranking.candidates import Candidates
from recommender.ranking.expressions import Expression, Facts
from recommender.selectors import shelf_rows
from recommender.selectors.shelf_rows import PIECE, ItemRow
from recommender.services.counting import HEAD

# Expressions of unsaved rules that previews have asked for and that are kept for the next preview.
NUM_PREVIEWED = 8


@dataclass
class Compiled:
    """An expression and what it says of each item.

    Attributes:
        allowed: keys of the items for which it is true
        flips: when time alone may change that for an item, a heap of seconds since 1970 and keys
    """

    expression: Expression
    allowed: set[int] = field(default_factory=set)
    flips: list[tuple[float, int]] = field(default_factory=list)
    asks_for_time: bool = field(init=False)

    def __post_init__(self) -> None:
        # A text that holds the word only makes it look in vain.
        self.asks_for_time = "now" in str(self.expression)

    def look(self, key: int, facts: Facts, *, now: datetime) -> None:
        """Look at one item."""
        if self.expression.holds(facts, now=now):
            self.allowed.add(key)
        else:
            self.allowed.discard(key)
        at = self.expression.next_flip(facts, now=now) if self.asks_for_time else None
        if at is not None:
            heapq.heappush(self.flips, (at.timestamp(), key))

    def due(self, now: datetime) -> set[int]:
        """Take out the items to look at again now."""
        found = set()
        while self.flips and self.flips[0][0] < now.timestamp():
            found.add(heapq.heappop(self.flips)[1])
        return found


@dataclass(frozen=True, slots=True)
class Popular:
    """A list of popular items, the first ones first."""

    items: array[int]
    scores: array[float]
    counted_at: datetime


class Shelf:
    """Facts about items by key. One thread changes it while others read.

    Attributes:
        item_ids: of the items that it knows; any other one has no category and no attribute
        categories: all of an item's, where it has any
        used_categories: those that interests follow
        hidden: items that nobody gets
        common: items that together make up most of what people use; the others are novelties
        category_ids: by name
    """

    def __init__(self) -> None:
        self.item_ids: dict[int, str] = {}
        self.categories: dict[int, tuple[int, ...]] = {}
        self.used_categories: dict[int, tuple[int, ...]] = self.categories
        self.hidden: set[int] = set()
        self.common: frozenset[int] = frozenset()
        self.category_ids: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._unused: frozenset[int] = frozenset()
        self._keys: dict[str, int] = {}
        self._other_ids: dict[int, str] = {}  # of items that are not kept and are popular or pinned
        self._described: list[int] = []  # sorted
        self._of_category: dict[int, list[int]] = {}  # sorted; described ones
        self._popular: dict[tuple[str, int], Popular] = {}
        self._compiled: dict[str, Compiled] = {}
        self._same: dict[tuple[int, ...], tuple[int, ...]] = {}  # one object for equal categories
        self._lock = threading.RLock()  # held by whoever changes something

    @classmethod
    def load(cls, texts: Iterable[str], *, now: datetime) -> Shelf:
        """Read everything, and compile these expressions."""
        made = cls()
        made.read_categories()
        for rows in shelf_rows.items():
            for row in rows:
                made._put(row)
            _let_others_go()
        made.read_popular()
        made.keep_compiled(texts, now=now)
        return made

    # --- reading ----------------------------------------------------------------------------------

    def key_of(self, item_id: str) -> int | None:
        """Return the key of an item."""
        return self._keys.get(item_id)

    def id_of(self, key: int) -> str | None:
        """Return the id of an item that it knows."""
        return self.item_ids.get(key) or self._other_ids.get(key)

    def popular(self, window: str, categories: Sequence[int] = ()) -> Candidates | None:
        """Return what is popular, in all or in some categories; None where it has not been counted."""
        found = [
            one
            for key in categories or (0,)
            if (one := self._popular.get((window, key))) is not None
        ]
        if not found:
            return None
        counts = dict(sorted(
            ((item, score) for one in found for item, score in zip(one.items, one.scores, strict=True)),
            key=lambda entry: -entry[1],
        )) if len(found) > 1 else dict(zip(found[0].items, found[0].scores, strict=True))  # fmt: skip
        known = [(item, item_id) for item in counts if (item_id := self.id_of(item)) is not None]
        return Candidates(
            items=[item for item, _ in known],
            item_ids=[item_id for _, item_id in known],
            scores=[counts[item] for item, _ in known],
            rule=f"fallback:{WINDOW_NAMES[window]}",
            is_count=True,
        )

    def counted_at(self, window: str, category: int = 0) -> datetime | None:
        """Return when a list of popular items was counted."""
        found = self._popular.get((window, category))
        return found.counted_at if found else None

    def everything(
        self, categories: Sequence[int] = (), text: str = ""
    ) -> Callable[[int | None], Iterator[tuple[int, str]]]:
        """Return a way through the catalogue, the newest first; of some categories, where an expression is true."""
        compiled = self._compiled.get(text)
        lists = (
            [self._of_category.get(key, []) for key in categories]
            if categories
            else [self._described]
        )
        if compiled is not None and len(compiled.allowed) * 10 < sum(map(len, lists)):
            lists = [sorted(compiled.allowed)]

        def go(below: int | None) -> Iterator[tuple[int, str]]:
            ends = [
                bisect.bisect_left(own, below) if below is not None else len(own) for own in lists
            ]
            parts = [_backwards(own, end) for own, end in zip(lists, ends, strict=True)]
            for key in parts[0] if len(parts) == 1 else heapq.merge(*parts, reverse=True):
                item_id = self.item_ids.get(key)
                if item_id is not None:
                    yield key, item_id

        return go

    def where(self, text: str, *, now: datetime) -> Where | None:
        """Return whether an expression is true of an item; None for the empty one."""
        if not text:
            return None
        compiled = self.compiled(text, now=now)
        allowed, known, expression = compiled.allowed, self.item_ids, compiled.expression

        def holds(item: int, item_id: str) -> bool:
            if item in known:
                return item in allowed
            return expression.holds(Facts(item_id=item_id), now=now)

        return holds

    # --- changing ---------------------------------------------------------------------------------

    def compiled(self, text: str, *, now: datetime) -> Compiled:
        """Return an expression compiled, now where it was not: for previews, answers find theirs ready."""
        found = self._compiled.get(text)
        if found is None:
            with self._lock:
                found = Compiled(expressions.parse(text))
                self._look(list(self.item_ids), [found], now=now)
                self._compiled = {**self._compiled, text: found}
        return found

    def keep_compiled(self, texts: Iterable[str], *, now: datetime) -> None:
        """Compile what is missing of these expressions, and forget others but a few."""
        wanted = set(texts)
        for text in sorted(wanted):
            self.compiled(text, now=now)
        others = [text for text in self._compiled if text not in wanted][-NUM_PREVIEWED:]
        self._compiled = {text: self._compiled[text] for text in (*others, *sorted(wanted))}

    def read_items(self, keys: Iterable[int], *, now: datetime) -> None:
        """Read some items again; those that are gone are taken off."""
        with self._lock:
            left = set(keys)
            for piece in _pieces(sorted(left)):
                for row in shelf_rows.items_of(piece):
                    self._put(row)
                    left.discard(row[0])
                self._look(piece, list(self._compiled.values()), now=now)
            for key in left:
                self._take_off(key)

    def read_categories(self) -> bool:
        """Read the categories; tell whether one has another name than before."""
        rows = shelf_rows.categories()
        names = {key: name for key, name, _ in rows}
        unused = frozenset(key for key, _, is_used in rows if not is_used)
        is_renamed = any(names.get(key) != name for key, name in self._names.items())
        self._names, self.category_ids = names, {name: key for key, name in names.items()}
        if unused != self._unused:
            with self._lock:
                self._unused = unused
                self.used_categories = (
                    {key: self._used(own) for key, own in self.categories.items()}
                    if unused
                    else self.categories
                )
        return is_renamed

    def recompile(self, *, now: datetime) -> None:
        """Look at all items again for every expression."""
        with self._lock:
            for compiled in list(self._compiled.values()):
                self._look(list(self.item_ids), [compiled], now=now)

    def read_popular(self) -> None:
        """Read what is popular."""
        found: dict[tuple[str, int], Popular] = {}
        for rows in shelf_rows.popular():
            for window, category, items, item_ids, scores, counted_at in rows:
                if window == HEAD:
                    self.common = frozenset(items)
                    continue
                self._note_ids(items, item_ids)
                found[window, category] = Popular(array("q", items), array("d", scores), counted_at)
            _let_others_go()
        self._popular = found

    def find(self, item_ids: Iterable[str]) -> None:
        """Look up the items of these ids that it does not know, such as pins that only events have named."""
        missing = [item_id for item_id in item_ids if item_id not in self._keys]
        for key, item_id, *_ in shelf_rows.items_called(missing) if missing else ():
            self._keys[item_id], self._other_ids[key] = key, item_id

    def look_at_due(self, *, now: datetime) -> None:
        """Look again at the items for which time alone may have changed what an expression says."""
        for compiled in list(self._compiled.values()):
            if due := compiled.due(now):
                with self._lock:
                    self._look(sorted(due), [compiled], now=now)

    def _look(self, keys: Sequence[int], at: Sequence[Compiled], *, now: datetime) -> None:
        for piece in _pieces(keys) if at else ():
            for key, facts in shelf_rows.facts_of(piece):
                names = tuple(self._names.get(one, "") for one in self.categories.get(key, ()))
                whole = Facts(facts.item_id, facts.title, names, facts.created_at, facts.attributes)
                for compiled in at:
                    compiled.look(key, whole, now=now)
            _let_others_go()

    def _put(self, row: ItemRow) -> None:
        key, item_id, is_hidden, is_described, own = row
        categories = self._same.setdefault(tuple(own), tuple(own))
        if not (is_described or is_hidden or categories):
            self._take_off(key)
            return
        self._sort_in(key, categories, is_described=is_described)
        before = self.item_ids.get(key)
        if before is not None and before != item_id:
            self._keys.pop(before, None)
        self.item_ids[key], self._keys[item_id] = item_id, key
        if categories:
            self.categories[key] = categories
            self.used_categories[key] = self._used(categories) if self._unused else categories
        else:
            self.categories.pop(key, None)
            self.used_categories.pop(key, None)
        (self.hidden.add if is_hidden else self.hidden.discard)(key)

    def _take_off(self, key: int) -> None:
        item_id = self.item_ids.pop(key, None)
        if item_id is None:
            return
        self._keys.pop(item_id, None)
        self._sort_in(key, (), is_described=False)
        self.categories.pop(key, None)
        self.used_categories.pop(key, None)
        self.hidden.discard(key)
        for compiled in list(self._compiled.values()):
            compiled.allowed.discard(key)

    def _sort_in(self, key: int, categories: tuple[int, ...], *, is_described: bool) -> None:
        before = self.categories.get(key, ()) if _is_in(self._described, key) else ()
        after = categories if is_described else ()
        for one in before:
            if one not in after:
                _remove(self._of_category[one], key)
        for one in after:
            if one not in before:
                _insert(self._of_category.setdefault(one, []), key)
        (_insert if is_described else _remove)(self._described, key)

    def _used(self, categories: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(one for one in categories if one not in self._unused)

    def _note_ids(self, items: Sequence[int], item_ids: Sequence[str]) -> None:
        for key, item_id in zip(items, item_ids, strict=True):
            if key not in self.item_ids:
                self._other_ids[key] = item_id


# What placements call the windows of `services.counting`.
WINDOW_NAMES: Mapping[str, str] = {
    "all": "popular", "7d": "popular_7d", "30d": "popular_30d", "trending": "trending",
}  # fmt: skip


def _let_others_go() -> None:
    """Give the threads that answer requests a turn."""
    time.sleep(0.0005)


def _pieces(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(keys), PIECE):
        yield keys[begin : begin + PIECE]


def _is_in(own: list[int], key: int) -> bool:
    at = bisect.bisect_left(own, key)
    return at < len(own) and own[at] == key


def _insert(own: list[int], key: int) -> None:
    if not own or own[-1] < key:
        own.append(key)
    elif not _is_in(own, key):
        bisect.insort(own, key)


def _remove(own: list[int], key: int) -> None:
    if _is_in(own, key):
        del own[bisect.bisect_left(own, key)]


def _backwards(own: list[int], end: int) -> Iterator[int]:
    """Yield the first `end` entries from the last to the first, whatever another thread does meanwhile."""
    for at in range(end - 1, -1, -1):
        if at < len(own):
            yield own[at]
