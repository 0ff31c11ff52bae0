"""What static files say to browsers beyond what WhiteNoise says."""

from __future__ import annotations

from wsgiref.headers import Headers

EVENT_SCRIPT = "js/recsite-events.js"


def add_headers(headers: Headers, path: str, url: str) -> None:
    """Let pages of other sites load the event script, even strict ones, and keep it for an hour.

    They name it without its hash, so it cannot be kept for ever as our own pages' files are.
    """
    if url.endswith(EVENT_SCRIPT):
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        headers["Cache-Control"] = "public, max-age=3600"
