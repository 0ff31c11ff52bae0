"""How DRF reads bodies. Apart from the endpoints, because DRF loads it with its settings."""

from __future__ import annotations

from typing import Any

from rest_framework.parsers import JSONParser

from recsite.access import bodies


class StrictJSONParser(JSONParser):
    """JSON, packed or plain, with a clear answer for all that is none."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the body as plain values."""
        encoding = parser_context["request"].META.get("HTTP_CONTENT_ENCODING", "")
        return bodies.json_of(bodies.unpacked(stream.read(), encoding))
