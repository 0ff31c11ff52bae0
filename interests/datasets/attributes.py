"""What is known of end users beside what they did: the further columns of users.csv, the attributes in the database.

Legend: U end users, A attributes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of more than these the best known are kept: as many as a file may have columns.
MAX_ATTRIBUTES = 50
# Whatever is longer is text, which no two people share.
MAX_LENGTH = 200
# Of more devices, which texts of events name, the commonest are told apart.
MAX_DEVICES = 1_000


@dataclass(frozen=True)
class Attributes:
    """Attributes of the end users of a log, as text.

    Attributes:
        names: of the attributes, in order of name. A of them
        values: "" where one is not known, `object` array of str. [U, A]
    """

    names: tuple[str, ...]
    values: NDArray[np.object_]

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]]) -> Attributes | None:
        """Return what rows say of as many end users; None where they say nothing of anybody."""
        known = [
            {name: text for name, value in row.items() if (text := text_of(value))} for row in rows
        ]
        counts = Counter(name for row in known for name in row)
        often = sorted(counts, key=lambda name: (-counts[name], name))[:MAX_ATTRIBUTES]
        if not often:
            return None
        names = tuple(sorted(often))
        values = np.full((len(known), len(names)), "", object)
        for own, row in zip(values, known, strict=True):
            own[:] = [row.get(name, "") for name in names]
        return cls(names, values)

    def take(self, people: NDArray[np.integer]) -> Attributes:
        """Return those of some end users, in this order."""
        return Attributes(self.names, self.values[people])


def text_of(value: Any) -> str:
    """Return a text, number or truth as text, and "" for whatever else: nested or too long values say nothing."""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    text = value.strip() if isinstance(value, str) else ""
    return text if len(text) <= MAX_LENGTH else ""
