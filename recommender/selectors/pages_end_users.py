"""The list of end users, and what one of them did and is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Max, Q, QuerySet

from interests.charts import NOTABLE_DRIFT
from interests.models import Category, EndUser
from recommender.selectors.pages_lines import CategoryShare, categories_by_id

# Below this a drift score is mostly noise, and none is stored.
EVENTS_NEEDED = 30
# The score has mean 0 and standard deviation 1 while nothing changes: chance alone passes this in one look of 700.
DRIFTING_FROM = NOTABLE_DRIFT
PAGE_SIZE = 50
NUM_TOP_CATEGORIES = 2
SORTS = {
    "-drift": (F("drift_score").desc(nulls_last=True), "id"),
    "drift": (F("drift_score").asc(nulls_last=True), "id"),
    "-events": (F("num_events").desc(), "id"),
    "events": (F("num_events").asc(), "id"),
    "-seen": (F("last_event_at").desc(nulls_last=True), "id"),
    "seen": (F("last_event_at").asc(nulls_last=True), "id"),
    "name": ("user_id",),
    "-name": (F("user_id").desc(),),
}
SEGMENTS = {
    "drifting": Q(drift_score__gte=DRIFTING_FROM),
    "steady": Q(drift_score__lt=DRIFTING_FROM),
    "too-few": Q(drift_score=None),
}


@dataclass(frozen=True)
class EndUserRow:
    """One line of the list of end users."""

    pk: int
    user_id: str
    num_events: int
    last_event_at: datetime | None
    drift_score: float | None
    wants: list[CategoryShare]

    @property
    def is_drifting(self) -> bool:
        return self.drift_score is not None and self.drift_score >= DRIFTING_FROM


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; all of it stands in the address."""

    query: str = ""
    segment: str = ""
    min_events: int = 0
    sort: str = "-drift"


def matching(filters: Filters) -> QuerySet[EndUser]:
    """Return the end users that the filters leave."""
    rows = EndUser.objects.all()
    if filters.query:
        rows = rows.filter(user_id__icontains=filters.query)
    if filters.segment in SEGMENTS:
        rows = rows.filter(SEGMENTS[filters.segment])
    if filters.min_events:
        rows = rows.filter(num_events__gte=filters.min_events)
    return rows


def end_users(filters: Filters, *, page: int) -> tuple[list[EndUserRow], int]:
    """Return a page of end users and how many there are in all; three queries."""
    rows = matching(filters)
    first = (page - 1) * PAGE_SIZE
    shown = _sorted(rows, filters)[first : first + PAGE_SIZE]
    names = categories_by_id()
    return [_row(end_user, names) for end_user in shown], rows.count()


def first_end_users(filters: Filters, *, limit: int) -> list[EndUserRow]:
    """Return the first end users of the list; two queries."""
    names = categories_by_id()
    return [_row(end_user, names) for end_user in _sorted(matching(filters), filters)[:limit]]


def every_end_user(filters: Filters) -> Iterator[EndUserRow]:
    """Yield all end users that the filters leave, for a file; memory stays flat."""
    names = categories_by_id()
    for end_user in _sorted(matching(filters), filters).iterator(chunk_size=2000):
        yield _row(end_user, names)


def top_shares(
    category_ids: list[int], weights: list[float], names: dict[int, Category], *, limit: int
) -> list[CategoryShare]:
    """Return the largest weights with the categories' names; what has no category comes last."""
    pairs = sorted(zip(weights, category_ids, strict=True), reverse=True)
    known = [(weight, names[key]) for weight, key in pairs if key in names]
    return [
        CategoryShare(category.name, category.colour_rank, weight)
        for weight, category in known[:limit]
    ]


def _sorted(rows: QuerySet[EndUser], filters: Filters) -> QuerySet[EndUser]:
    order = SORTS.get(filters.sort, SORTS["-drift"])
    columns = (
        "user_id",
        "num_events",
        "last_event_at",
        "drift_score",
        "current_state__category_ids",
        "current_state__weights",
    )
    return rows.select_related("current_state").only(*columns).order_by(*order)


def _row(end_user: EndUser, names: dict[int, Category]) -> EndUserRow:
    state = end_user.current_state
    wants = (
        top_shares(state.category_ids, state.weights, names, limit=NUM_TOP_CATEGORIES)
        if state
        else []
    )
    return EndUserRow(
        end_user.pk,
        end_user.user_id,
        end_user.num_events,
        end_user.last_event_at,
        end_user.drift_score,
        wants,
    )


def largest_drift_score() -> float:
    """Return the largest drift score of all, the length of the bars; one query."""
    found = EndUser.objects.aggregate(most=Max("drift_score"))["most"]
    return float(found or 0.0)
