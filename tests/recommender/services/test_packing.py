import struct

import numpy as np

from recommender.services import packing
from recommender.services.packing import ItemArrays

ARRAYS = ItemArrays(keys=np.array([70, 80]), ids=np.array(["a", "é"], object))


def number(value: int) -> bytes:
    return struct.pack(">iq", 8, value)


def array(kind: int, elements: list[bytes]) -> bytes:
    body = struct.pack(">5i", 1, 0, kind, len(elements), 1)
    body += b"".join(struct.pack(">i", len(element)) + element for element in elements)
    return struct.pack(">i", len(body)) + body


def test_a_row_is_written_byte_by_byte_as_postgresql_reads_it():
    blocks = packing.rows(
        arrays=ARRAYS,
        before=[np.array([5])],
        items=np.array([[1, 0, -1]]),
        scores=np.array([[2.5, -0.1234567, -np.inf]], np.float32),
        after=[np.array([6])],
    )

    assert b"".join(blocks) == (
        b"PGCOPY\n\xff\r\n\0" + bytes(8)
        + struct.pack(">h", 5)
        + number(5)
        + array(20, [struct.pack(">q", 80), struct.pack(">q", 70)])
        + array(25, ["é".encode(), b"a"])
        + array(701, [struct.pack(">d", 2.5), struct.pack(">d", -0.123457)])
        + number(6)
        + b"\xff\xff"
    )  # fmt: skip


def test_rows_of_different_lengths_are_all_written():
    items = np.array([[0, 1], [-1, -1], [1, -1], [1, 0]])

    blocks = list(
        packing.rows(
            arrays=ARRAYS,
            before=[np.arange(4)],
            items=items,
            scores=np.zeros((4, 2), np.float32),
        )
    )

    # Rows of no item, of one and of two: the number of fields, then the first column.
    firsts = [block[:14] for block in blocks[1:-1]]
    assert firsts == [struct.pack(">h", 4) + number(row) for row in (1, 2, 0)]
    assert blocks[1][14:] == array(20, []) + array(25, []) + array(701, [])
