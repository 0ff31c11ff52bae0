"""Lists of items as rows of PostgreSQL's binary COPY: no number becomes text on the way.

Written as text, and read as text by PostgreSQL, slates of 200 items took longer than the network.

Legend: N items of the catalogue, b rows, k items of the longest row, n items of rows of one length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The signature, flags, and the length of an extension of the header that is not there.
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# How PostgreSQL numbers the types of an array's elements.
BIGINT, TEXT, DOUBLE = 20, 25, 701
# Bytes of an array before its elements: dimensions, flags, type, length, first index.
ARRAY_BYTES = 20


@dataclass(frozen=True)
class ItemArrays:
    """The items of a catalogue, ready to be written as lists.

    Attributes:
        keys: primary keys of items, int64. [N]
        ids: the clients' ids of the same, `object` array of str. [N]
    """

    keys: NDArray[np.int64]
    ids: NDArray[np.object_]

    @cached_property
    def packed_ids(self) -> list[bytes]:
        """Return each id as an element of a text array: its length and its UTF-8. [N]"""
        texts = [one.encode() for one in self.ids.tolist()]
        return [len(text).to_bytes(4, "big") + text for text in texts]

    @cached_property
    def packed_sizes(self) -> NDArray[np.int64]:
        """Return the bytes of each of `packed_ids`. [N]"""
        return np.fromiter(map(len, self.packed_ids), np.int64, len(self.packed_ids))

    def literals(
        self, items: NDArray[np.integer], scores: NDArray[np.floating]
    ) -> tuple[str, str, str]:
        """Return keys, ids and scores of the items (index of N) as three array literals."""
        return (
            "{" + ",".join(map(str, self.keys[items].tolist())) + "}",
            "{" + ",".join(self._quoted[items].tolist()) + "}",
            "{" + ",".join(map(str, np.round(scores.astype(np.float64), 6).tolist())) + "}",
        )

    @cached_property
    def _quoted(self) -> NDArray[np.object_]:
        escaped = (one.replace("\\", r"\\").replace('"', r"\"") for one in self.ids.tolist())
        quoted = np.empty(len(self.ids), object)
        quoted[:] = [f'"{one}"' for one in escaped]
        return quoted


def rows(
    *,
    arrays: ItemArrays,
    before: Sequence[NDArray[np.int64]],
    items: NDArray[np.integer],
    scores: NDArray[np.floating],
    after: Sequence[NDArray[np.int64]] = (),
) -> Iterator[bytes]:
    """Yield the bytes of a COPY of rows: bigints, `items`, `item_ids`, `scores`, timestamps.

    Args:
        before: columns of type bigint. Each [b]
        items: index of N, -1 from where a row has no more. [b, k]
        scores: written with six decimals. [b, k]
        after: columns of type timestamptz, microseconds since 2000-01-01 UTC. Each [b]
    """
    lengths = (items >= 0).sum(1)
    yield HEADER
    for length in np.unique(lengths).tolist():
        chosen = np.flatnonzero(lengths == length)
        yield _of_one_length(
            arrays=arrays,
            before=[column[chosen] for column in before],
            items=items[chosen, :length],
            scores=scores[chosen, :length],
            after=[column[chosen] for column in after],
        )
    yield TRAILER


def _of_one_length(
    *,
    arrays: ItemArrays,
    before: Sequence[NDArray[np.int64]],
    items: NDArray[np.integer],
    scores: NDArray[np.floating],
    after: Sequence[NDArray[np.int64]],
) -> bytes:
    count, length = items.shape
    num_bytes = arrays.packed_sizes[items].sum(1) + ARRAY_BYTES
    fields = np.full(count, len(before) + 3 + len(after))
    heads = _Columns(count)
    heads.add(">i2", fields)
    for column in before:
        heads.add_number(column)
    heads.add_array(BIGINT, ">i8", arrays.keys[items])
    heads.add(">i4", num_bytes)
    heads.add_dimension(TEXT, length)
    tails = _Columns(count)
    tails.add_array(DOUBLE, ">f8", np.round(scores.astype(np.float64), 6))
    for column in after:
        tails.add_number(column)
    texts = arrays.packed_ids.__getitem__
    pieces = []
    for head, own, tail in zip(heads.rows(), items.tolist(), tails.rows(), strict=True):
        pieces += [head, b"".join(map(texts, own)), tail]
    return b"".join(pieces)


class _Columns:
    """Fixed parts of rows, written as columns of a record array."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._columns: list[tuple[Any, NDArray[Any]]] = []

    def add(self, kind: Any, values: NDArray[Any] | int) -> None:
        self._columns.append((kind, np.broadcast_to(np.asarray(values), (self.count,))))

    def add_number(self, values: NDArray[np.int64]) -> None:
        self.add(">i4", 8)
        self.add(">i8", values)

    def add_dimension(self, kind: int, length: int) -> None:
        for number in (1, 0, kind, length, 1):
            self.add(">i4", number)

    def add_array(self, kind: int, number: str, values: NDArray[Any]) -> None:
        """Add a list of numbers of 8 bytes, with its size in front. `values` is [b, n]"""
        element = np.dtype([("size", ">i4"), ("value", number)])
        self.add(">i4", ARRAY_BYTES + values.shape[1] * element.itemsize)
        self.add_dimension(kind, values.shape[1])
        elements = np.empty(values.shape, element)
        elements["size"], elements["value"] = 8, values
        self._columns.append(((element, values.shape[1:]), elements))

    def rows(self) -> Iterator[bytes]:
        """Yield the bytes of each row."""
        record = np.dtype([(f"{n}", kind) for n, (kind, _) in enumerate(self._columns)])
        table = np.empty(self.count, record)
        for number, (_, values) in enumerate(self._columns):
            table[f"{number}"] = values
        whole = table.tobytes()
        for begin in range(0, len(whole), record.itemsize):
            yield whole[begin : begin + record.itemsize]
