"""One end user: what they want, what they did, what they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from interests.models import Category, EndUser, Interaction, InterestState
from recommender.models import Serving, Slate
from recommender.ranking import messages, reason_words
from recommender.ranking.composing import Placed
from recommender.selectors import pages_end_user_agreement as agreement
from recommender.selectors import reasons
from recommender.selectors.pages_end_users import DRIFTING_FROM
from recommender.selectors.pages_lines import ItemLine, item_line, item_lines, with_categories

# Of the pages; people themselves read their reasons in theirs.
LANGUAGE = messages.DEFAULT


@dataclass(frozen=True)
class EndUserPage:
    """One end user with the state that speaks of now."""

    pk: int
    user_id: str
    num_events: int
    last_event_at: datetime | None
    drift_score: float | None
    is_waiting: bool
    state: InterestState | None

    @property
    def is_drifting(self) -> bool:
        return self.drift_score is not None and self.drift_score >= DRIFTING_FROM

    @property
    def active_days(self) -> int:
        return self.state.active_days if self.state else 0

    @property
    def state_at(self) -> datetime | None:
        return self.state.at if self.state else None


def end_user(*, pk: int) -> EndUserPage | None:
    """Return one end user, or None if there is none; one query."""
    rows = EndUser.objects.select_related("current_state", "change_mark")
    found = rows.defer("current_state__vector").filter(pk=pk).first()
    if found is None:
        return None
    return EndUserPage(
        found.pk,
        found.user_id,
        found.num_events,
        found.last_event_at,
        found.drift_score,
        hasattr(found, "change_mark"),
        found.current_state,
    )


@dataclass(frozen=True)
class Wish:
    """One category as an end user wants it: now, in the long run and lately.

    `bar` is `now` as a share of the largest, for drawing.
    """

    name: str
    colour_rank: int | None
    now: float
    long_term: float
    short_term: float
    bar: float


@dataclass(frozen=True)
class EventLine:
    """One event of an end user."""

    item: ItemLine
    kind: str
    is_negative: bool
    value: float | None
    occurred_at: datetime


@dataclass(frozen=True)
class SlateLine:
    """One place of a slate.

    `reason` is what the person is told of it, "" for nothing; `evidence` the events that lift it most: the
    newest of `together` where it is that many that lift it only together, else that is 0.
    """

    rank: int
    score: float
    item: ItemLine
    reason: str
    evidence: tuple[reasons.EvidenceLine, ...]
    together: int


@dataclass(frozen=True)
class SlateShown:
    """The recommendations of an end user in the publication that serves.

    `mix` says how the first `num_places` of them are spread over categories, by name; `is_explained` whether
    the events behind the first items have been worked out.
    """

    publication_id: int
    generated_at: datetime
    num_items: int
    lines: list[SlateLine]
    mix: dict[str, float]
    num_places: int
    is_explained: bool


def wishes(state: InterestState, names: dict[int, Category], *, limit: int) -> list[Wish]:
    """Return the categories that matter most to an end user, now or lately or ever."""
    largest = max(state.weights, default=0.0) or 1.0
    places: dict[int, tuple[str, int | None]] = {0: ("Uncategorised", None)}
    places |= {key: (row.name, row.colour_rank) for key, row in names.items()}
    rows = [
        Wish(places[key][0], places[key][1], now, long_term, short_term, now / largest)
        for key, now, long_term, short_term in zip(
            state.category_ids, state.weights, state.long_term, state.short_term, strict=True
        )
        if key in places and max(now, long_term, short_term) > 0
    ]
    return sorted(rows, key=lambda wish: -wish.now)[:limit]


def recent_events(*, end_user_id: int, limit: int) -> list[EventLine]:
    """Return the newest events of an end user; two queries."""
    rows = (
        Interaction.objects.filter(end_user_id=end_user_id)
        .select_related("kind", "item")
        .prefetch_related(with_categories("item__categories"))
        .order_by("-occurred_at", "-id")[:limit]
    )
    return [
        EventLine(
            item_line(row.item), row.kind.name, row.kind.weight < 0, row.value, row.occurred_at
        )
        for row in rows
    ]


def slate(*, end_user_id: int, limit: int) -> SlateShown | None:
    """Return what is recommended to an end user now; seven queries, one where there is none."""
    serving = Serving.objects.values_list("publication_id", flat=True)
    found = Slate.objects.filter(publication_id__in=serving, end_user_id=end_user_id).first()
    if found is None:
        return None
    items = item_lines(found.items[: max(limit, agreement.NUM_PLACES)])
    first = [items[key] for key in found.items[: agreement.NUM_PLACES] if key in items]
    return SlateShown(
        found.publication_id,
        found.generated_at,
        len(found.items),
        _lines(found, items, limit=limit),
        agreement.mix(first),
        len(first),
        is_explained=found.reasons is not None,
    )


def _lines(found: Slate, items: dict[int, ItemLine], *, limit: int) -> list[SlateLine]:
    """Return the first places of a slate whose items are still there."""
    placed = [
        Placed(key, items[key].item_id, rank, score)
        for rank, (key, score) in enumerate(
            zip(found.items[:limit], found.scores[:limit], strict=True), start=1
        )
        if key in items
    ]
    explained = reasons.reasons_of(placed, end_user=found.end_user_id, stored=found.reasons)
    return [
        SlateLine(
            own.rank,
            own.score,
            items[own.item],
            reason_words.sentence(why.said, language=LANGUAGE),
            why.evidence,
            why.said.together,
        )
        for own, why in zip(placed, explained, strict=True)
    ]
