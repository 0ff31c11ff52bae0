"""A bank of one person as bytes and back, bit for bit."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache

import numpy as np

from interests.drift.detector_bank import Bank
from interests.drift.detector_settings import DetectorSettings

# Worked out anew from the rest.
DERIVED = "chances"
STORED = tuple(field.name for field in fields(Bank) if field.name != DERIVED)


def packed(person: Bank) -> bytes:
    """Return the bytes of all arrays, all but `chances`.

    As they are: this is done after every event, and packing them would take longer than writing them.
    """
    return b"".join([getattr(person, name).tobytes() for name in STORED])


def unpacked(content: bytes, num_columns: int, settings: DetectorSettings) -> Bank | None:
    """Return the bank that was packed, `chances` at 0; None: it is of another shape."""
    record = _record(num_columns, settings)
    if len(content) != record.itemsize:
        return None
    row = np.frombuffer(bytearray(content), record)
    arrays = {name: row[name] for name in STORED}
    empty = np.zeros(arrays["past"].shape, arrays["past"].dtype)
    return Bank(**arrays, **{DERIVED: empty})


@lru_cache(maxsize=64)
def _record(num_columns: int, settings: DetectorSettings) -> np.dtype[np.void]:
    """Return the type of one person's row: what `Bank.new` has, one array behind the other."""
    like = Bank.new(1, num_columns, settings)
    arrays = [(name, getattr(like, name)) for name in STORED]
    return np.dtype([(name, array.dtype, array.shape[1:]) for name, array in arrays])
