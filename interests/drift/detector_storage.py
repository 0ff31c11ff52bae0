"""A bank of one person as text and back, bit for bit."""

from __future__ import annotations

import base64
import zlib
from dataclasses import fields

import numpy as np

from interests.drift.detector_bank import Bank
from interests.drift.detector_settings import DetectorSettings
from interests.drift.detector_steps import move_chances

# Worked out anew from the rest.
DERIVED = "chances"
STORED = tuple(field.name for field in fields(Bank) if field.name != DERIVED)


def packed(person: Bank) -> str:
    """Return the bytes of all arrays, compressed, in base64."""
    content = b"".join(np.ascontiguousarray(getattr(person, name)).tobytes() for name in STORED)
    return base64.b64encode(zlib.compress(content)).decode("ascii")


def unpack(text: str, *, into: Bank, settings: DetectorSettings) -> None:
    """Put what was packed into a bank of the same shape."""
    content, start = zlib.decompress(base64.b64decode(text)), 0
    for name in STORED:
        values = getattr(into, name)
        own = np.frombuffer(content, values.dtype, values.size, start)
        values[...] = own.reshape(values.shape)
        start += own.nbytes
    into.chances[:] = move_chances(into.before, into.falling, into.last_move, settings)
