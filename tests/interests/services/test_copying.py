"""Fields of the binary COPY are read back as they were."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import connection

from interests.services import copying

pytestmark = pytest.mark.django_db

MICROSECONDS = 1_700_000_000_123_456


def test_every_kind_of_field_is_read_back_as_it_was():
    columns = {
        "number": "integer", "big": "bigint", "nothing": "bigint", "share": "float8", "none": "float8",
        "word": "text", "raw": "bytea", "at": "timestamptz", "shares": "float8[]", "keys": "integer[]",
        "empty": "integer[]", "place": "vector",
    }  # fmt: skip
    fields = [
        copying.integer(-7), copying.bigint(2**40), copying.bigint(None), copying.double(0.1),
        copying.double(None), copying.sized("тень\t\\".encode()), copying.sized(b"\0\xff"),
        copying.timestamp(MICROSECONDS), copying.array(np.array([0.1, -2.5])),
        copying.array(np.array([3, 0]), copying.INTEGERS),
        copying.array(np.array([], np.int64), copying.INTEGERS), copying.vector(np.array([0.5, 2.0])),
    ]  # fmt: skip
    made = ", ".join(f"{name} {kind}" for name, kind in columns.items())

    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE copied ({made}) ON COMMIT DROP")
        rows = [copying.row(*fields)] * 2
        copying.copy_rows(cursor, table="copied", columns=list(columns), rows=rows)
        cursor.execute(
            "SELECT number, big, nothing, share, none, word, raw, extract(epoch FROM at) * 1000000,"
            " shares, keys, empty, place::text FROM copied"
        )
        found = cursor.fetchall()

    assert len(found) == 2
    number, big, nothing, share, none, word, raw, at, shares, keys, empty, place = found[0]
    assert (number, big, nothing, share, none, word) == (-7, 2**40, None, 0.1, None, "тень\t\\")
    assert (bytes(raw), int(at)) == (b"\0\xff", MICROSECONDS)
    assert (shares, keys, empty, place) == ([0.1, -2.5], [3, 0], [], "[0.5,2]")
