"""A folder in Recsite's own form: interactions.csv, and items.csv and users.csv if there are any."""

from __future__ import annotations

from pathlib import Path

from interests.datasets.layout import Layout, Table, find


def recognise(folder: Path) -> Layout | None:
    """Return the folder's layout, or None where it has no interactions.csv."""
    events = find(folder, "interactions.csv")
    if events is None:
        return None
    items, users = find(folder, "items.csv"), find(folder, "users.csv")
    return Layout(
        format="recsite",
        events=Table(events, required=("user_id", "item_id", "kind", "occurred_at")),
        items=Table(items, required=("item_id",)) if items else None,
        users=Table(users, required=("user_id",)) if users else None,
    )
