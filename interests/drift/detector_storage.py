"""A bank of one person as plain values and back, bit for bit."""

from __future__ import annotations

import base64
import zlib
from dataclasses import fields
from typing import Any

import numpy as np

from interests.drift.detector_bank import Bank


def packed(person: Bank) -> dict[str, Any]:
    """Return the arrays' shapes, types and compressed bytes."""
    arrays = {f.name: getattr(person, f.name) for f in fields(person)}
    content = b"".join(np.ascontiguousarray(values).tobytes() for values in arrays.values())
    return {
        "arrays": {name: [v.dtype.str, list(v.shape)] for name, v in arrays.items()},
        "bytes": base64.b64encode(zlib.compress(content)).decode("ascii"),
    }


def unpacked(values: dict[str, Any]) -> Bank:
    """Return the bank that was packed."""
    content, start = zlib.decompress(base64.b64decode(values["bytes"])), 0
    arrays = {}
    for field in fields(Bank):  # PostgreSQL keeps the keys of JSON in an order of its own
        kind, shape = values["arrays"][field.name]
        count = int(np.prod(shape))
        own = np.frombuffer(content, np.dtype(kind), count, start)
        arrays[field.name] = own.reshape(shape).copy()
        start += own.nbytes
    return Bank(**arrays)
