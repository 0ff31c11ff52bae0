"""What the database knows of end users beside their events, and on what devices events were done.

Legend: E events, U end users.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from interests.datasets.attributes import MAX_DEVICES, MAX_LENGTH, Attributes
from interests.datasets.log import InteractionLog
from interests.selectors import copying

NAMES = f"""
    SELECT btrim(attributes->>'device') AS name FROM interests_interaction
    WHERE jsonb_typeof(attributes->'device') IN ('string', 'number', 'boolean')
    AND length(btrim(attributes->>'device')) BETWEEN 1 AND {MAX_LENGTH}
"""
BY_NUMBER = f" GROUP BY name ORDER BY count(*) DESC, name LIMIT {MAX_DEVICES}"
PLACES = """
    SELECT id, named.place - 1 FROM interests_interaction
    JOIN unnest(%s::text[]) WITH ORDINALITY AS named(name, place)
    ON named.name = btrim(attributes->>'device')
"""
OF_SOME = "end_user_id = ANY(%s::bigint[])"


def added(
    log: InteractionLog, *, user_keys: NDArray[np.int64], is_everybody: bool
) -> InteractionLog:
    """Return a log whose positions are keys of events, with attributes and devices.

    Args:
        user_keys: primary keys of its end users. [U]
        is_everybody: these are all who have events, so that one need not ask for each.
    """
    some = [] if is_everybody else [user_keys.tolist()]
    devices, names = _devices(log.positions, some)
    return replace(
        log, attributes=_attributes(user_keys, some), devices=devices, device_names=names
    )


def _attributes(user_keys: NDArray[np.int64], some: Sequence[list[int]]) -> Attributes | None:
    where = " AND id = ANY(%s::bigint[])" if some else ""
    known = dict(
        _rows(
            f"SELECT id, attributes FROM interests_enduser WHERE attributes <> '{{}}'{where}", some
        )
    )
    rows = [known.get(key, {}) for key in user_keys.tolist()]
    return Attributes.of_rows([json.loads(row) if isinstance(row, str) else row for row in rows])


def _devices(
    keys: NDArray[np.int64], some: Sequence[list[int]]
) -> tuple[NDArray[np.int16] | None, tuple[str, ...]]:
    """Return the place of each event's device among the names, -1 where it has none; None: none has. [E]"""
    named = _rows(NAMES + (f" AND {OF_SOME}" if some else "") + BY_NUMBER, some)
    names = tuple(row[0] for row in named)
    if not names:
        return None, ()
    found = copying.columns(
        query=PLACES + (f" WHERE {OF_SOME}" if some else ""),
        parameters=[list(names), *some],
        types={"id": "i8", "place": "i8"},
    )
    order = np.argsort(found["id"])
    ids, places = found["id"][order], found["place"][order]
    devices = np.full(len(keys), -1, np.int16)
    is_said = np.isin(keys, ids)
    devices[is_said] = places[np.searchsorted(ids, keys[is_said])]
    return devices, names


def _rows(query: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
