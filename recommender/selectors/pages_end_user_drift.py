"""The drift events of one end user, as pages list and explain them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from interests import charts
from interests.charts import Category as ChartCategory
from interests.charts import Change
from interests.charts.changes import FALLING, RISING, STEADY
from interests.models import DriftEvent, DriftMark, Interaction, RunState, TrackingRun
from interests.selectors import states
from interests.selectors.states import CategoryName
from recommender.selectors.pages_lines import ItemLine, item_line, with_categories


@dataclass(frozen=True)
class MarkShown:
    """What somebody made of a drift event."""

    verdict: str
    note: str
    made_by: str
    made_at: datetime


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
    mark: MarkShown | None

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
    """Return the drift events of an end user that count, oldest first; four queries, two where there are none."""
    return as_lines(_that_count(end_user_id))


def as_lines(rows: Sequence[DriftEvent], *, with_marks: bool = True) -> list[DriftLine]:
    """Return drift events of one end user as lines, with what people made of them; two queries."""
    if not rows:
        return []
    names = states.category_names()
    marks = _marks(rows[0].end_user_id) if with_marks else {}
    return [_line(row, names, marks.get(row.detected_at)) for row in rows]


def drift_event(*, end_user_id: int, pk: int) -> DriftEventPage | None:
    """Return one drift event of an end user, None if there is none; eight queries at most."""
    row = DriftEvent.objects.filter(end_user_id=end_user_id, pk=pk).first()
    if row is None:
        return None
    lines = drift_lines(end_user_id=end_user_id)
    names = states.category_names()
    line = next((line for line in lines if line.pk == pk), None)
    counts = line is not None
    if line is None:
        line = _line(row, names, _marks(end_user_id).get(row.detected_at))
    evidence = _evidence(row, names)
    others = [other for other in lines if other.pk != pk]
    return DriftEventPage(
        line=line,
        changes=_changes(row, names),
        evidence=evidence,
        num_evidence_gone=len(row.evidence) - len(evidence),
        previous=next((o for o in others[::-1] if o.detected_at < row.detected_at), None),
        following=next((o for o in others if o.detected_at > row.detected_at), None),
        counts=counts,
        withdrawn_at=row.withdrawn_at,
        in_its_place=next((o for o in others if o.detected_at == row.detected_at), None),
    )


def _that_count(end_user_id: int) -> list[DriftEvent]:
    run = TrackingRun.objects.filter(state=RunState.DONE).order_by("-finished_at", "-pk").first()
    rows = DriftEvent.objects.filter(end_user_id=end_user_id, withdrawn_at=None)
    counting = rows.filter(Q(tracking_run=run) | Q(tracking_run=None))
    return list(counting.order_by("detected_at", "pk"))


def _marks(end_user_id: int) -> dict[datetime, MarkShown]:
    """Return what people made of an end user's drift events, by the time that these were raised."""
    rows = DriftMark.objects.filter(end_user_id=end_user_id).select_related("made_by")
    return {
        row.detected_at: MarkShown(
            row.verdict,
            row.note,
            row.made_by.get_username() if row.made_by else "a removed account",
            row.made_at,
        )
        for row in rows
    }


def _line(row: DriftEvent, names: dict[int, CategoryName], mark: MarkShown | None) -> DriftLine:
    return DriftLine(
        pk=row.pk,
        end_user_id=row.end_user_id,
        detected_at=row.detected_at,
        begin_at=row.begin_at,
        confidence=row.confidence,
        num_events=row.num_events,
        begin_event=row.begin_event,
        rising=[states.named(names, key) for key in row.rising],
        falling=[states.named(names, key) for key in row.falling],
        is_return=row.is_return,
        mark=mark,
    )


def _changes(row: DriftEvent, names: dict[int, CategoryName]) -> list[Change]:
    directions = dict.fromkeys(row.rising, RISING) | dict.fromkeys(row.falling, FALLING)
    found = []
    for key, before, after in zip(row.category_ids, row.before, row.after, strict=True):
        category = states.named(names, key)
        drawn = ChartCategory(category.name, category.colour_rank)
        if before or after:
            found.append(Change(drawn, before, after, directions.get(key, STEADY)))
    return found


def _evidence(row: DriftEvent, names: dict[int, CategoryName]) -> list[EvidenceLine]:
    """Return the events that show a change, the most telling first; what was erased since is left out."""
    found = (
        Interaction.objects.filter(pk__in=row.evidence, end_user_id=row.end_user_id)
        .select_related("kind", "item")
        .prefetch_related(with_categories("item__categories"))
    )
    by_key = {event.pk: event for event in found}
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
