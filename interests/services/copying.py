"""The one place that speaks PostgreSQL's COPY, as text and as bytes.

A row of the binary form is its number of columns and then each column's size and content; -1 is the size of a NULL.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray

READ_BYTES = 2**18
# Signature, flags, extension.
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
NULL = struct.pack(">i", -1)
# From 1970-01-01 to 2000-01-01, from where PostgreSQL counts.
EPOCH_DIFFERENCE = 946_684_800_000_000
# PostgreSQL's number of a type, and its elements as bytes.
INTEGERS, FLOATS = (23, ">i4"), (701, ">f8")


def copy_in(cursor: CursorWrapper, *, statement: str, blocks: Iterator[bytes]) -> None:
    """Send blocks of text to a COPY ... FROM STDIN statement, holding one block at a time.

    Raises:
        Exception: whatever `blocks` raises, as it is.
    """
    stream = _Stream(blocks)
    cursor.copy_expert(statement, stream, READ_BYTES)
    if stream.error is not None:
        raise stream.error


def copy_rows(
    cursor: CursorWrapper, *, table: str, columns: Sequence[str], rows: Iterable[bytes]
) -> None:
    """Write what `row` made into a table."""
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
    copy_in(cursor, statement=statement, blocks=iter([HEADER, b"".join(rows), TRAILER]))


def row(*fields: bytes) -> bytes:
    """Return a row of fields, each made by one of the functions below."""
    return struct.pack(">h", len(fields)) + b"".join(fields)


def sized(content: bytes) -> bytes:
    """Return text or bytes as a field."""
    return struct.pack(">i", len(content)) + content


def integer(value: int) -> bytes:
    """Return a field of 4 bytes."""
    return struct.pack(">ii", 4, value)


def bigint(value: int | None) -> bytes:
    """Return a field of 8 bytes, or NULL."""
    return NULL if value is None else struct.pack(">iq", 8, value)


def double(value: float | None) -> bytes:
    """Return a field of 8 bytes, or NULL."""
    return NULL if value is None else struct.pack(">id", 8, value)


def timestamp(microseconds: int) -> bytes:
    """Return a time as a field. `microseconds` count from 1970-01-01 UTC."""
    return struct.pack(">iq", 8, microseconds - EPOCH_DIFFERENCE)


def array(values: NDArray[Any], kind: tuple[int, str] = FLOATS) -> bytes:
    """Return a list of numbers as a field: dimensions, flags, type, length, first index; size and value of each."""
    number, element = kind
    if not len(values):
        return struct.pack(">iiii", 12, 0, 0, number)
    elements = np.empty(len(values), np.dtype([("size", ">i4"), ("value", element)]))
    elements["size"], elements["value"] = elements.dtype.itemsize - 4, values
    content = elements.tobytes()
    return struct.pack(">iiiiii", 20 + len(content), 1, 0, number, len(values), 1) + content


def vector(values: NDArray[np.floating]) -> bytes:
    """Return a vector of pgvector as a field."""
    content = values.astype(">f4").tobytes()
    return struct.pack(">ihh", 4 + len(content), len(values), 0) + content


class _Stream(io.RawIOBase):
    """What psycopg2 reads from. It hides an error of `read` in one of its own, so that is kept here."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._left = memoryview(b"")
        self.error: Exception | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not len(self._left):
            try:
                self._left = memoryview(next(self._blocks))
            except StopIteration:
                return b""
            except Exception as error:  # noqa: BLE001  # raised again once COPY has ended
                self.error = error
                return b""
        piece = bytes(self._left[:size] if size >= 0 else self._left)
        self._left = self._left[len(piece) :]
        return piece
