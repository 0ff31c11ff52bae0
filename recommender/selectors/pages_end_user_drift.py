"""The drift events of one end user, as pages list and explain them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from interests import charts
from interests.charts import Category as ChartCategory
from interests.charts import Change
from interests.charts.changes import FALLING, RISING, STEADY
from interests.models import DriftEvent, Interaction
from interests.selectors import drift, states
from interests.selectors.drift import Mark
from interests.selectors.states import CategoryName
from recommender.selectors.pages_lines import ItemLine, item_line, with_categories


@dataclass(frozen=True)
class DriftLine:
    """One drift event as a line of a list."""

    pk: int
    end_user_id: int
    detected_at: datetime
    begin_at: datetime
    confidence: float
    num_events: int
    begin_event: int
    rising: list[CategoryName]
    falling: list[CategoryName]
    is_return: bool
    mark: Mark | None

    @property
    def change(self) -> str:
        """Return what changed in words: "less Horror, more Documentary"."""
        return charts.change_words(
            rising=[row.name for row in self.rising],
            falling=[row.name for row in self.falling],
            is_return=self.is_return,
        )

    @property
    def sureness(self) -> str:
        return charts.sureness(self.confidence)

    @property
    def num_since(self) -> int:
        """Return how many events there were from its begin to the one that raised it."""
        return self.num_events - self.begin_event


@dataclass(frozen=True)
class Tell:
    """What one event says about one category: "more Documentary"."""

    word: str
    category: CategoryName


@dataclass(frozen=True)
class EvidenceLine:
    """One event that shows a change, and what it tells."""

    item: ItemLine
    kind: str
    is_negative: bool
    occurred_at: datetime
    is_before: bool
    tells: list[Tell]


@dataclass(frozen=True)
class DriftEventPage:
    """One drift event with what shows it and its neighbours in time.

    `counts` is False where it was withdrawn or worked out anew since; `in_its_place` is then the one that
    was raised at the same time, if there is one.
    """

    line: DriftLine
    changes: list[Change]
    evidence: list[EvidenceLine]
    num_evidence_gone: int
    previous: DriftLine | None
    following: DriftLine | None
    counts: bool
    withdrawn_at: datetime | None
    in_its_place: DriftLine | None


def drift_lines(*, end_user_id: int) -> list[DriftLine]:
    """Return the drift events of an end user that count, oldest first; five queries, two where there are none."""
    return [_line(row) for row in drift.drift_events_of(end_user_id)]


def drift_event(*, end_user_id: int, pk: int) -> DriftEventPage | None:
    """Return one drift event of an end user, None if there is none; thirteen queries at most."""
    own = DriftEvent.objects.filter(end_user_id=end_user_id, pk=pk)
    row = own.first()
    if row is None:
        return None
    rows = drift.drift_events_of(end_user_id)
    that = next((other for other in rows if other.pk == pk), None) or drift.lines(own)[0]
    others = [_line(other) for other in rows if other.pk != pk]
    evidence = _evidence(row)
    return DriftEventPage(
        line=_line(that),
        changes=_changes(that),
        evidence=evidence,
        num_evidence_gone=len(set(row.evidence)) - len(evidence),
        previous=next((o for o in others[::-1] if o.detected_at < row.detected_at), None),
        following=next((o for o in others if o.detected_at > row.detected_at), None),
        counts=that in rows,
        withdrawn_at=row.withdrawn_at,
        in_its_place=next((o for o in others if o.detected_at == row.detected_at), None),
    )


def _line(row: drift.DriftLine) -> DriftLine:
    return DriftLine(
        pk=row.pk,
        end_user_id=row.end_user_id,
        detected_at=row.detected_at,
        begin_at=row.begin_at,
        confidence=row.confidence,
        num_events=row.num_events,
        begin_event=row.begin_event,
        rising=row.rising,
        falling=row.falling,
        is_return=row.is_return,
        mark=row.mark,
    )


def _changes(row: drift.DriftLine) -> list[Change]:
    directions = dict.fromkeys(row.rising, RISING) | dict.fromkeys(row.falling, FALLING)
    return [
        Change(
            ChartCategory(side.category.name, side.category.colour_rank),
            side.before,
            side.after,
            directions.get(side.category, STEADY),
        )
        for side in row.sides
    ]


def _evidence(row: DriftEvent) -> list[EvidenceLine]:
    """Return the events that show a change, the most telling first; what was erased since is left out."""
    found = (
        Interaction.objects.filter(pk__in=row.evidence, end_user_id=row.end_user_id)
        .select_related("kind", "item")
        .prefetch_related(with_categories("item__categories"))
    )
    by_key = {event.pk: event for event in found}
    names = states.category_names() if by_key else {}
    return [
        _evidence_line(by_key[key], row, names)
        for key in dict.fromkeys(row.evidence)
        if key in by_key
    ]


def _evidence_line(
    event: Interaction, row: DriftEvent, names: dict[int, CategoryName]
) -> EvidenceLine:
    keys = [category.pk for category in event.item.categories.all()] or [states.UNCATEGORISED_ID]
    is_before = event.occurred_at < row.begin_at
    is_negative = event.kind.weight < 0
    telling = row.falling if is_before else row.rising
    word = "still" if is_before else "more"
    if is_negative:
        telling, word = row.falling, "less"
    return EvidenceLine(
        item=item_line(event.item),
        kind=event.kind.name,
        is_negative=is_negative,
        occurred_at=event.occurred_at,
        is_before=is_before,
        tells=[Tell(word, states.named(names, key)) for key in telling if key in keys],
    )
