"""What goes into the cache and comes out of it again: plain values only."""

from __future__ import annotations

import json
from typing import Any


class JsonSerializer:
    """Writes values to Redis as JSON. Django's own would unpickle, which runs whatever stands there."""

    def dumps(self, value: Any) -> bytes:
        """Return a plain value as bytes; a whole number as Redis counts it.

        Raises:
            TypeError: it is not plain.
        """
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """Return the value of what `dumps` wrote.

        Raises:
            ValueError: it is something else.
        """
        return json.loads(data)
