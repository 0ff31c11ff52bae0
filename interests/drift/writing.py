"""A simulated population -> a data folder with the truth beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from interests.drift import choosing
from interests.drift.streams import Population


def write(population: Population, *, folder: Path) -> None:
    """Write items.csv, users.csv, interactions.csv in order of time, and truth.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    catalogue, stamps = population.catalogue, _stamps(population)
    names = np.asarray(catalogue.names, object)
    item_ids = [population.item_id(item) for item in range(len(catalogue.titles))]
    user_ids = [population.user_id(user) for user in range(len(population.names))]
    joined = ["|".join(names[row]) for row in catalogue.members]
    _save(folder / "items.csv", item_id=item_ids, title=catalogue.titles, categories=joined)
    _save(folder / "users.csv", user_id=user_ids, name=population.names)
    order = np.argsort(population.times, kind="stable")
    _save(
        folder / "interactions.csv",
        user_id=np.asarray(user_ids, object)[population.users[order]],
        item_id=np.asarray(item_ids, object)[population.items[order]],
        kind=np.asarray(choosing.KINDS, object)[population.kinds[order]],
        occurred_at=stamps[order],
    )
    first = np.searchsorted(population.users, [change.user for change in population.changes])
    _save(
        folder / "truth.csv",
        user_id=[user_ids[change.user] for change in population.changes],
        change_event=[change.event for change in population.changes],
        occurred_at=[
            stamps[at + change.event] for at, change in zip(first, population.changes, strict=True)
        ],
        kind=[change.kind for change in population.changes],
        from_category=[names[change.falling] for change in population.changes],
        to_category=[names[change.rising] for change in population.changes],
        end_event=[change.end_event for change in population.changes],
    )


def _stamps(population: Population) -> np.ndarray:
    text = np.datetime_as_string(population.times.astype("datetime64[ms]"), unit="ms")
    return np.char.add(text, "Z").astype(object)


def _save(path: Path, **columns: object) -> None:
    pd.DataFrame(columns).to_csv(path, index=False, lineterminator="\n")
