"""The one place that speaks PostgreSQL's COPY."""

from __future__ import annotations

import io
from collections.abc import Iterator

from django.db.backends.utils import CursorWrapper

READ_BYTES = 2**18


def copy_in(cursor: CursorWrapper, *, statement: str, blocks: Iterator[bytes]) -> None:
    """Send blocks of text to a COPY ... FROM STDIN statement, holding one block at a time.

    Raises:
        Exception: whatever `blocks` raises, as it is.
    """
    stream = _Stream(blocks)
    cursor.copy_expert(statement, stream, READ_BYTES)
    if stream.error is not None:
        raise stream.error


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
