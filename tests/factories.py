"""Rows for tests: each function makes one row with sensible defaults and returns it."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

from interests.models import (
    AlertRule,
    Category,
    DriftEvent,
    EndUser,
    EventKind,
    Interaction,
    Item,
    PopulationRun,
    PopulationShare,
    TrainingRun,
)
from recommender.models import PopularItems, PublicationRun, Serving, Slate
from recsite.access import services
from recsite.access.models import Scope

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def end_user(user_id: str = "", **fields: Any) -> EndUser:
    user_id = user_id or f"user {next(_numbers)}"
    return EndUser.objects.create(user_id=user_id, **{"created_at": NOW, **fields})


def category(name: str = "", **fields: Any) -> Category:
    number = next(_numbers)
    return Category.objects.create(
        **{"name": name or f"category {number}", "colour_rank": number, **fields}
    )


def item(item_id: str = "", *, categories: tuple[Category, ...] = (), **fields: Any) -> Item:
    item_id = item_id or f"item {next(_numbers)}"
    made = Item.objects.create(
        **{"item_id": item_id, "title": f"Title of {item_id}", "created_at": NOW, **fields}
    )
    made.categories.set(categories)
    return made


def event(person: EndUser, thing: Item, *, kind: str = "view", **fields: Any) -> Interaction:
    # A transactional test before this one may have emptied the table of kinds.
    kinds, _ = EventKind.objects.get_or_create(name=kind)
    fields = {
        "event_id": f"event {next(_numbers)}",
        "occurred_at": NOW,
        "received_at": NOW,
        **fields,
    }
    return Interaction.objects.create(end_user=person, item=thing, kind=kinds, **fields)


def done(**fields: Any) -> dict[str, Any]:
    """Return the columns of a run that is done."""
    return {
        "state": "done", "requested_at": NOW, "started_at": NOW, "finished_at": NOW,
        "share_done": 1.0, **fields,
    }  # fmt: skip


def training_run(**fields: Any) -> TrainingRun:
    return TrainingRun.objects.create(**done(**fields))


def publication(*, is_serving: bool = True, **fields: Any) -> PublicationRun:
    fields.setdefault("training_run", fields.get("training_run") or training_run())
    made = PublicationRun.objects.create(**done(**fields))
    if is_serving:
        Serving.objects.update_or_create(
            id=Serving.ONLY, defaults={"publication": made, "since": NOW}
        )
    return made


def slate(publication: PublicationRun, person: EndUser, items: list[Item], **fields: Any) -> Slate:
    return Slate.objects.create(
        publication=publication,
        end_user=person,
        items=[thing.pk for thing in items],
        item_ids=[thing.item_id for thing in items],
        scores=[1.5 - n / 2 for n in range(len(items))],
        **{"generated_at": NOW, "events_through": NOW, **fields},
    )


def popular(items: list[Item], *, window: str = "30d", category_id: int = 0) -> PopularItems:
    return PopularItems.objects.create(
        window=window,
        category_id=category_id,
        items=[thing.pk for thing in items],
        item_ids=[thing.item_id for thing in items],
        scores=[float(len(items) - n) for n in range(len(items))],
        counted_at=NOW,
    )


def api_key(*scopes: str, **fields: Any) -> str:
    """Make a key with these scopes (none given: all of them) and return its text."""
    key, text = services.make_key(
        name="test", scopes=scopes or Scope.values, created_by=None, now=NOW
    )
    type(key).objects.filter(pk=key.pk).update(**fields) if fields else None
    return text


def drift_event(
    person: EndUser, *, rising: Category, falling: Category, **fields: Any
) -> DriftEvent:
    """Make a change of interests, live unless a tracking run is given, that began a day before `detected_at`."""
    at = fields.get("detected_at", NOW)
    fields = {
        "detector_version": "test", "detected_at": at, "begin_at": at - timedelta(days=1),
        "num_events": 120, "begin_event": 100, "confidence": 0.98, "score": 6.0,
        "category_ids": [rising.pk, falling.pk], "before": [0.2, 0.8], "after": [0.7, 0.3],
        "rising": [rising.pk], "falling": [falling.pk], "evidence": [], "events_through": at,
        "created_at": at, **fields,
    }  # fmt: skip
    return DriftEvent.objects.create(end_user=person, **fields)


def population_share(
    run: PopulationRun, thing: Category, period: date, share: float, **fields: Any
) -> PopulationShare:
    """Make the share of one category in everybody's events, known within 2 percentage points."""
    fields = {
        "segment_kind": "all", "segment": "", "category_ids": [thing.pk], "shares": [share],
        "low": [share - 0.02], "high": [share + 0.02], "significances": [0.0],
        "num_events": 1200, "num_end_users": 300, **fields,
    }  # fmt: skip
    return PopulationShare.objects.create(run=run, period=period, **fields)


def alert_rule(**fields: Any) -> AlertRule:
    """Make a rule on everybody's changes that has looked at `NOW` and mails one person."""
    fields = {
        "name": f"rule {next(_numbers)}", "scope": "population", "condition": "drift_event",
        "emails": ["ada@example.org"], "created_at": NOW, "looked_at": NOW, **fields,
    }  # fmt: skip
    return AlertRule.objects.create(**fields)
