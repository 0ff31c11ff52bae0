"""Where a list stands, as a text that fits into an address: the next page goes on from it.

It holds the rest of the list itself, so nothing has to be kept between pages, and a slate that was rewritten
meanwhile changes nothing. `services.recommending` signs it.
"""

from __future__ import annotations

import base64
import binascii
import struct

import numpy as np

from recommender.ranking.candidates import Standing

FIRST = 1  # of the format; another one begins otherwise
_HEAD = struct.Struct("<BIQqeeBHI")  # with the bytes of a key, how many are left and were taken
_MAX_LEFT, _MAX_TAKEN = 2_000, 20_000


class NotACursor(ValueError):
    """The text was not made here."""


def to_text(standing: Standing) -> str:
    """Return letters, digits, - and _."""
    items = np.array(standing.items, "<u8")
    width = max(3, (int(items.max()).bit_length() + 7) // 8) if len(items) else 3
    taken = np.diff(np.array(sorted(standing.taken), "<u8"), prepend=np.array([0], "<u8"))
    head = _HEAD.pack(
        FIRST,
        standing.rank,
        standing.seed,
        -1 if standing.catalogue_below is None else standing.catalogue_below,
        standing.low,
        standing.high,
        width,
        len(items),
        len(taken),
    )
    # Scores beyond what half precision can say are those of a network gone wild; any order will do.
    with np.errstate(over="ignore"):
        values = np.array(standing.values, "<f2")
    keys = items.view(np.uint8).reshape(-1, 8)[:, :width].tobytes()
    body = head + keys + values.tobytes() + _small(taken.tolist())
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def from_text(text: str) -> Standing:
    """Return what `to_text` wrote.

    Raises:
        NotACursor: it did not.
    """
    try:
        body = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        first, rank, seed, below, low, high, width, num, num_taken = _HEAD.unpack_from(body)
        if first != FIRST or not 3 <= width <= 8 or num > _MAX_LEFT or num_taken > _MAX_TAKEN:
            raise ValueError
        at, end = _HEAD.size, _HEAD.size + num * width
        keys = np.zeros((num, 8), np.uint8)
        keys[:, :width] = np.frombuffer(body[at:end], np.uint8).reshape(num, width)
        values = np.frombuffer(body[end : end + 2 * num], "<f2")
        if len(values) != num:
            raise ValueError
        taken = _large(body[end + 2 * num :])
    except (ValueError, struct.error, binascii.Error, UnicodeError) as error:
        raise NotACursor(f"{text[:50]!r} continues no list.") from error
    return Standing(
        rank=rank,
        taken=frozenset(np.cumsum(taken[:num_taken]).tolist()),
        items=tuple(keys.reshape(-1).view("<u8").tolist()),
        values=tuple(values.astype(float).tolist()),
        low=low,
        high=high,
        seed=seed,
        catalogue_below=None if below < 0 else below,
    )


def _small(numbers: list[int]) -> bytes:
    """Write each number in as few bytes as it needs, seven bits a byte."""
    found = bytearray()
    for number in numbers:
        while number > 127:
            found.append(number & 127 | 128)
            number >>= 7
        found.append(number)
    return bytes(found)


def _large(text: bytes) -> list[int]:
    found, number, shift = [], 0, 0
    for one in text:
        number |= (one & 127) << shift
        shift += 7
        if one < 128:
            found.append(number)
            number = shift = 0
    return found
