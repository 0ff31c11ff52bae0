"""A data folder -> an `InteractionLog`, whole, in memory: for commands that need no database."""

from __future__ import annotations

import csv
import io
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from interests.datasets import movielens, recsite_csv
from interests.datasets.attributes import MAX_DEVICES, Attributes, text_of
from interests.datasets.descriptions import NAMED, description_of
from interests.datasets.errors import DatasetError
from interests.datasets.kinds import weight_of
from interests.datasets.layout import (
    NO_CATEGORY_WORDS,
    Layout,
    Table,
    header_of,
    open_text,
)
from interests.datasets.log import Catalogue, InteractionLog

# The first that knows the folder reads it. A new form is a new function here.
FORMATS: tuple[Callable[[Path], Layout | None], ...] = (
    recsite_csv.recognise,
    movielens.recognise_csv,
    movielens.recognise_dat,
    movielens.recognise_100k,
)
_UNIT_SEPARATOR = "\x1f"
UNREADABLE = (
    pd.errors.ParserError,
    pd.errors.ParserWarning,
    pd.errors.EmptyDataError,
    UnicodeError,
)


def recognise(folder: Path | str) -> Layout:
    """Return which files a data folder has.

    Raises:
        DatasetError: there is no such folder, or nothing in it that we know.
    """
    folder = Path(folder)
    try:
        if not folder.is_dir():
            raise DatasetError(f"{folder} is not a folder. Give the folder that holds the files.")
        for format_ in FORMATS:
            if layout := format_(folder):
                return layout
        names = sorted(path.name for path in folder.iterdir())[:10]
    except PermissionError as error:
        raise DatasetError(f"{folder} may not be read. Change its permissions.") from error
    raise DatasetError(
        f"{folder} holds no interactions.csv, ratings.csv, ratings.dat or u.data"
        f" ({'it holds ' + ', '.join(names) if names else 'it is empty'}). Put your events into "
        "interactions.csv with the columns user_id,item_id,kind,occurred_at."
    )


def read(folder: Path | str) -> InteractionLog:
    """Read a data folder; events keep the order of the file, an `event_id` counts once.

    Raises:
        DatasetError: it cannot be read, or a row is bad; `manage.py import_data` sets bad rows aside.
    """
    layout = recognise(folder)
    events = _read_table(layout.events)
    if events.empty:
        raise DatasetError(f"{layout.events.name} has no events, only its header.")
    if "event_id" in events:
        is_repeated = events["event_id"].duplicated() & (events["event_id"] != "")
        events = events[~is_repeated]
    for name in ("user_id", "item_id", "kind"):
        if name in events:
            _refuse(layout.events, events, events[name].str.strip() == "", f"has no {name}")
    users, user_ids = pd.factorize(events["user_id"])
    items, item_ids = pd.factorize(events["item_id"])
    catalogue = _catalogue(layout, np.asarray(item_ids, object))
    place = pd.Index(catalogue.item_ids).get_indexer(item_ids)
    kinds, kind_names = _kinds(layout, events)
    devices, device_names = _devices(events)
    return InteractionLog(
        catalogue=catalogue,
        user_ids=np.asarray(user_ids, object),
        users=users.astype(np.int32),
        items=place[items].astype(np.int32),
        kinds=kinds,
        values=_values(layout, events),
        times=_times(layout, events),
        positions=np.arange(len(events), dtype=np.int64),
        kind_names=kind_names,
        kind_weights=np.asarray([weight_of(name) for name in kind_names], np.float32),
        attributes=_attributes(layout, user_ids),
        devices=devices,
        device_names=device_names,
    )


def category_names(text: str) -> list[str]:
    """Return the categories that a cell joins by "|", without the words that stand for none."""
    names = [name.strip() for name in text.split("|")]
    return [name for name in names if name and name.lower() not in NO_CATEGORY_WORDS]


def _catalogue(layout: Layout, seen: NDArray[np.object_]) -> Catalogue:
    """Return the items of the folder's table, then those that only events name."""
    item_ids: list[str] = []
    titles: list[str] = []
    categories: list[Sequence[str]] = []
    descriptions: list[str] = []
    if layout.items is not None:
        table = _read_table(layout.items)
        _refuse(layout.items, table, table["item_id"].str.strip() == "", "has no item_id")
        table = table.drop_duplicates("item_id")
        item_ids = table["item_id"].tolist()
        titles = table["title"].tolist() if "title" in table else [""] * len(item_ids)
        categories = _item_categories(layout.items, table)
        descriptions = _descriptions(table)
    described = set(item_ids)
    unmatched = [item_id for item_id in seen if item_id not in described]
    return Catalogue.build(
        item_ids=item_ids + unmatched,
        titles=titles + [""] * len(unmatched),
        categories=categories + [()] * len(unmatched),
        descriptions=descriptions + [""] * len(unmatched),
    )


def _descriptions(table: pd.DataFrame) -> list[str]:
    """Return the words of the columns that have no meaning of their own, of each item."""
    further = [name for name in table.columns if name not in NAMED]
    return [description_of(row) for row in table[further].itertuples(index=False, name=None)]


def _item_categories(source: Table, table: pd.DataFrame) -> list[Sequence[str]]:
    if source.flags:
        flags = (table[list(source.flags)] == "1").to_numpy()
        return [category_names("|".join(np.asarray(source.flags, object)[row])) for row in flags]
    if "categories" not in table:
        return [()] * len(table)
    return [category_names(text) for text in table["categories"]]


def _attributes(layout: Layout, user_ids: pd.Index) -> Attributes | None:
    """Return the further columns of the table of end users, of those who have events."""
    if layout.users is None:
        return None
    table = _read_table(layout.users)
    _refuse(layout.users, table, table["user_id"].str.strip() == "", "has no user_id")
    table = table.drop_duplicates("user_id").set_index("user_id")
    rows = table.drop(columns=list(layout.users.unkept)).reindex(user_ids, fill_value="")
    return Attributes.of_rows(
        [dict(zip(rows.columns, row, strict=True)) for row in rows.to_numpy().tolist()]
    )


def _devices(events: pd.DataFrame) -> tuple[NDArray[np.int16] | None, tuple[str, ...]]:
    """Return on what each event was done, by its place among the names, the commonest first; -1: not said."""
    if "device" not in events:
        return None, ()
    codes, texts = pd.factorize(events["device"])
    words = [text_of(text) for text in texts]
    counts: Counter[str] = Counter()
    for word, count in zip(words, np.bincount(codes).tolist(), strict=True):
        counts[word] += count
    del counts[""]
    names = sorted(counts, key=lambda name: (-counts[name], name))[:MAX_DEVICES]
    place = {name: number for number, name in enumerate(names)}
    devices = np.array([place.get(word, -1) for word in words], np.int16)[codes]
    return (devices, tuple(names)) if names else (None, ())


def _kinds(layout: Layout, events: pd.DataFrame) -> tuple[NDArray[np.int16], tuple[str, ...]]:
    if layout.kind is not None:
        return np.zeros(len(events), np.int16), (layout.kind,)
    codes, names = pd.factorize(events["kind"].str.strip())
    if len(names) > np.iinfo(np.int16).max:
        raise DatasetError(
            f"{layout.events.name} has {len(names):,} kinds of events. "
            "Check that the column kind holds words such as view or purchase."
        )
    return codes.astype(np.int16), tuple(map(str, names))


def _values(layout: Layout, events: pd.DataFrame) -> NDArray[np.float32]:
    if "value" not in events:
        return np.full(len(events), np.nan, np.float32)
    text = events["value"].str.strip()
    values = pd.to_numeric(text.where(text != ""), errors="coerce").to_numpy(np.float64)
    is_bad = (text != "").to_numpy() & ~np.isfinite(values)
    _refuse(layout.events, events, pd.Series(is_bad), "has a value that is no number")
    return values.astype(np.float32)


def _times(layout: Layout, events: pd.DataFrame) -> NDArray[np.int64]:
    text = events["occurred_at"].str.strip()
    if layout.is_epoch:
        seconds = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
        is_bad = ~np.isfinite(seconds) | (np.abs(seconds) > 2**38)
        _refuse(layout.events, events, pd.Series(is_bad), "has a time that is no epoch seconds")
        return np.round(seconds * 1e6).astype(np.int64)
    times = pd.to_datetime(text, utc=True, format="ISO8601", errors="coerce")
    message = "has a time that is not ISO 8601, such as 2026-03-31T18:05:00Z,"
    _refuse(layout.events, events, times.isna(), message)
    return np.asarray(times.dt.as_unit("us").astype(np.int64), np.int64)


def _refuse(
    table: Table, rows: pd.DataFrame, is_bad: pd.Series[bool] | pd.Series, what: str
) -> None:
    """Raise when a row is bad, naming the first by its line."""
    bad = np.flatnonzero(is_bad.to_numpy())
    if len(bad):
        line = int(rows.index[bad[0]]) + (1 if table.columns else 2)
        raise DatasetError(
            f"{table.name} {what} in about line {line:,} ({len(bad):,} such rows). Mend the file, or "
            "import it with `manage.py import_data`, which sets bad rows aside and lists them."
        )


def _read_table(table: Table) -> pd.DataFrame:
    """Read a file whole; every cell is text, "" where there is nothing."""
    names = list(header_of(table)) + list(table.flags)
    with open_text(table) as text:
        source: io.TextIOBase = text
        separator = table.delimiter
        if len(separator) > 1:
            source, separator = io.StringIO(text.read().replace(separator, "\x1f")), "\x1f"
        try:
            with warnings.catch_warnings():
                # Lines with more fields than the header are bad ones, not to be cut in silence.
                warnings.simplefilter("error", pd.errors.ParserWarning)
                frame = pd.read_csv(
                    source,
                    sep=separator,
                    header=None if table.columns else 0,
                    names=names,
                    index_col=False,
                    dtype=str,
                    keep_default_na=False,
                    quoting=csv.QUOTE_NONE if table.columns else csv.QUOTE_MINIMAL,
                    na_filter=True,
                    low_memory=False,
                )
        except UNREADABLE as error:
            raise DatasetError(
                f"{table.name} cannot be read: {error}. Mend the file, or import it with "
                "`manage.py import_data`, which sets bad rows aside and lists them."
            ) from error
    return frame.fillna("")
