"""The map of what serves, and one person's way through it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import FloatField
from django.db.models.expressions import RawSQL

from interests.charts.interest_map import Place, Step
from interests.selectors import drift_counts, states
from recommender.models import InterestMap, Serving
from recommender.ranking import difference_words
from recommender.selectors.pages_lines import categories_by_id, item_lines

# More than a reader follows; the way is thinned evenly, its end kept.
MAX_STEPS = 120
# `<#>` is the negative inner product.
ALONG = "-(interests_intereststate.vector <#> %s::vector) - %s"


@dataclass(frozen=True)
class MapPage:
    """The map of the publication that serves, with names."""

    row: InterestMap
    training_run_id: int
    categories: list[Place]
    items: list[Place]

    @property
    def people(self) -> tuple[list[float], list[float]]:
        return self.row.people_x, self.row.people_y


def interest_map() -> MapPage | None:
    """Return the map of what serves, None where there is none; five queries."""
    serving = Serving.objects.values_list("publication_id", flat=True)
    rows = InterestMap.objects.filter(publication_id__in=serving).select_related("publication")
    row = rows.first()
    if row is None:
        return None
    names = categories_by_id()
    found = zip(row.category_ids, row.category_x, row.category_y, strict=True)
    categories = [
        Place(names[key].name, names[key].colour_rank, x, y) for key, x, y in found if key in names
    ]
    categories.sort(key=lambda place: (place.colour_rank is None, place.colour_rank))
    return MapPage(row, row.publication.training_run_id, categories, _items(row))


def path(page: MapPage, *, end_user_id: int) -> list[Step]:
    """Return where a person stood over time, oldest first, from states of the map's own space.

    A state of another training lies in another space and is left out; at most six queries.
    """
    own = states.states_that_count(end_user_id).filter(
        training_run_id=page.training_run_id, vector__isnull=False
    )
    placed = own.annotate(
        x=_along(page.row.x_axis, page.row.x_middle), y=_along(page.row.y_axis, page.row.y_middle)
    )
    points = list(placed.order_by("at", "pk").values_list("at", "x", "y", "num_events"))
    if not points:
        return []
    changes = _changes(end_user_id, [point[0] for point in points])
    kept = _thinned(len(points)) | set(changes)
    return [
        Step(at, x, y, num_events, changes.get(number, ""))
        for number, (at, x, y, num_events) in enumerate(points)
        if number in kept
    ]


def _items(row: InterestMap) -> list[Place]:
    known = item_lines(row.items)
    places = []
    for key, x, y in zip(row.items, row.item_x, row.item_y, strict=True):
        if key in known:
            line = known[key]
            rank = line.categories[0].colour_rank if line.categories else None
            places.append(Place(line.title, rank, x, y))
    return places


def _along(axis: list[float], middle: float) -> Any:
    return RawSQL(ALONG, [str(axis), middle], output_field=FloatField())


def _changes(end_user_id: int, times: list[datetime]) -> dict[int, str]:
    """Return what changed, in words, by the number of the first state that has seen it."""
    counting = drift_counts.that_count(drift_counts.newest_run()).filter(end_user=end_user_id)
    rows = list(counting.order_by("detected_at"))
    if not rows:
        return {}
    names = states.category_names()
    found = {}
    for row in rows:
        number = next(
            (number for number, at in enumerate(times) if at >= row.detected_at), len(times) - 1
        )
        found[number] = difference_words.names_sentence(
            falling=[states.named(names, key).name for key in row.falling],
            rising=[states.named(names, key).name for key in row.rising],
            is_return=row.is_return,
        )
    return found


def _thinned(count: int) -> set[int]:
    if count <= MAX_STEPS:
        return set(range(count))
    return {round(number * (count - 1) / (MAX_STEPS - 1)) for number in range(MAX_STEPS)}
