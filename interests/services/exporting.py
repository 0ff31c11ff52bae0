"""Everything that is held about a person, as one JSON document, written while it is read."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model

from interests.models import (
    Alias,
    Category,
    ChangeMark,
    Controls,
    EndUser,
    Impression,
    Interaction,
)
from interests.selectors import belongings
from interests.selectors.belongings import Belonging
from interests.services import controlling
from recsite.access.models import AuditEntry

# Rows that are in memory at a time.
CHUNK_ROWS = 500
EVENT_COLUMNS = (
    "event_id", "item__item_id", "item__title", "kind__name", "value", "occurred_at", "received_at", "session_id",
    "recommendation_id", "attributes", "is_time_doubtful", "occurred_at_sent",
)  # fmt: skip
IMPRESSION_COLUMNS = (
    "event_id", "item__item_id", "item__title", "dwell_seconds", "occurred_at", "received_at", "session_id",
    "recommendation_id", "is_time_doubtful", "occurred_at_sent",
)  # fmt: skip
# Said in words of their own above the rest.
TOLD: tuple[type[Model], ...] = (Interaction, Impression, Controls, Alias, ChangeMark)


def export(end_user: EndUser, *, now: datetime) -> Iterator[str]:
    """Yield the text of a JSON object, piece by piece.

    First what the person did and said, then under `worked_out`, by table, every other row that names them, with
    its columns as they are stored; `categories` gives names to the keys in these.
    """
    yield "{" + _member("user_id", end_user.user_id)
    yield "," + _member("exported_at", now)
    yield "," + _member("created_at", end_user.created_at)
    yield "," + _member("attributes", end_user.attributes)
    aliases = Alias.objects.filter(end_user=end_user).order_by("created_at", "pk")
    yield "," + _member("aliases", list(aliases.values_list("user_id", flat=True)))
    yield "," + _member("controls", _controls(end_user))
    yield "," + _member("awaits_refresh", ChangeMark.objects.filter(pk=end_user.pk).exists())
    for name, model, columns in (
        ("events", Interaction, EVENT_COLUMNS),
        ("impressions", Impression, IMPRESSION_COLUMNS),
    ):
        rows = model._base_manager.filter(end_user=end_user).order_by("occurred_at", "pk")
        yield f",{json.dumps(name)}:"
        yield from _list(_short(row) for row in rows.values(*columns).iterator(CHUNK_ROWS))
    yield ',"worked_out":{'
    others = [one for one in belongings.everything() if one.model not in TOLD]
    for place, belonging in enumerate(others):
        yield ("," if place else "") + f"{json.dumps(belonging.label)}:"
        yield from _list(_rows(belonging, end_user))
    yield "}," + _member("audit", _audit(end_user))
    names = Category.objects.order_by("pk").values_list("pk", "name")
    yield "," + _member("categories", {str(key): name for key, name in names}) + "}"


def _controls(end_user: EndUser) -> dict[str, Any] | None:
    said = controlling.controls_of(end_user)
    if said.updated_at is None:
        return None
    wishes = said.wishes
    return {
        "muted_categories": wishes.muted,
        "boosts": wishes.boosts,
        "forget_before": wishes.forget_before,
        "is_opted_out": wishes.is_opted_out,
        "updated_at": said.updated_at,
    }


def _audit(end_user: EndUser) -> list[dict[str, Any]]:
    """Return when controls of the person changed, from what to what, and what was merged into them."""
    about = AuditEntry.objects.filter(
        table__in=["interests.controls", "interests.enduser"], object_key=str(end_user.pk)
    )
    rows = about.order_by("at", "pk").values("at", "action", "before", "after")
    return [dict(row) for row in rows]


def _rows(belonging: Belonging, end_user: EndUser) -> Iterator[dict[str, Any]]:
    """Yield rows as they are stored."""
    names = [
        field.attname
        for field in belonging.model._meta.concrete_fields
        if field.attname != f"{belonging.field}_id"
    ]
    rows = belonging.rows([end_user.pk]).order_by("pk").values(*names)
    for row in rows.iterator(CHUNK_ROWS):
        yield {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Return what JSON can hold of a column: a vector as its numbers, bytes as base64."""
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    return value.tolist() if hasattr(value, "tolist") else value


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """Name columns as the API does: item_id, kind."""
    names = {"item__item_id": "item_id", "item__title": "item_title", "kind__name": "kind"}
    return {names.get(name, name): value for name, value in row.items()}


def _list(values: Iterable[Any]) -> Iterator[str]:
    yield "["
    for place, value in enumerate(values):
        yield ("," if place else "") + _text(value)
    yield "]"


def _member(name: str, value: Any) -> str:
    return f"{json.dumps(name)}:{_text(value)}"


def _text(value: Any) -> str:
    return json.dumps(value, cls=_Encoder, separators=(",", ":"))


class _Encoder(DjangoJSONEncoder):
    """Times to the microsecond: Django's own encoder cuts them to milliseconds."""

    def default(self, o: Any) -> Any:
        """Return a value that JSON knows."""
        return o.isoformat() if isinstance(o, datetime) else super().default(o)
