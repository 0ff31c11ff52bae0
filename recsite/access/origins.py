"""Other sites' pages that may post events here (CORS). What is allowed stands with the keys, nowhere else.

Not django-cors-headers: it knows one list of origins for all, and would let a page of one customer read the
answers of another's key.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import exceptions

from recsite.access.models import ApiKey, Scope

MAX_ORIGINS = 50
ORIGIN = re.compile(
    r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([0-9]{1,5}))?"
)
USUAL_PORTS = {("http", "80"), ("https", "443")}
# Chrome remembers no longer; that a key was revoked is noticed at the request itself.
PREFLIGHT_SECONDS = 7_200
REMEMBER_SECONDS = 2.0
REMEMBERED_AT_MOST = 1_000


class BadOrigin(Exception):
    """What was given is no origin, or the key may do too much for a browser; the message says so."""


class OriginNotAllowed(exceptions.PermissionDenied):
    """The key is for the pages of other sites."""

    default_code = "origin_not_allowed"
    default_detail = (
        "This key is for web pages of certain sites, and this request comes from none of them. "
        "Origins are edited with the key in the admin; a server needs a key without origins."
    )


def origins_of(given: Sequence[str], scopes: Sequence[str]) -> list[str]:
    """Return origins as browsers write them, each once, for a key with these scopes.

    Raises:
        BadOrigin: one is no origin, there are too many, or the scopes are more than posting events.
    """
    found = sorted({_origin_of(text) for text in given if text.strip()})
    if len(found) > MAX_ORIGINS:
        raise BadOrigin(f"A key may have {MAX_ORIGINS} origins at most, not {len(found)}.")
    if found and set(scopes) != {Scope.WRITE_EVENTS}:
        raise BadOrigin(
            f"A key with origins stands in web pages, where everybody can read it: its only scope must be "
            f"{Scope.WRITE_EVENTS.value}."
        )
    return found


def check(allowed: frozenset[str], request: HttpRequest) -> None:
    """Let a browser's key in from its own sites only, and let their pages read the answer.

    Raises:
        OriginNotAllowed: the request says another origin, or none.
    """
    origin = request.META.get("HTTP_ORIGIN")
    if origin not in allowed:
        raise OriginNotAllowed
    request.allowed_origin = origin  # type: ignore[attr-defined]


def tell(request: HttpRequest, response: HttpResponseBase) -> None:
    """Write into an answer which page may read it."""
    response["Vary"] = "Origin"
    if origin := getattr(request, "allowed_origin", None):
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Expose-Headers"] = "X-Request-ID, Retry-After"


def is_preflight(request: HttpRequest) -> bool:
    """Tell whether a browser asks if it may send what a page wants to send."""
    return (
        request.method == "OPTIONS"
        and "HTTP_ORIGIN" in request.META
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.META
    )


def preflight(request: HttpRequest) -> HttpResponse:
    """Answer what a browser asks before it sends. It sends no key with that, so any key's origins count.

    Raises:
        OriginNotAllowed: no key is for this origin.
    """
    origin = request.META["HTTP_ORIGIN"]
    if not _is_of_a_key(origin):
        raise OriginNotAllowed
    request.allowed_origin = origin  # type: ignore[attr-defined]
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Methods"] = "POST"
    response["Access-Control-Allow-Headers"] = (
        "Authorization, Content-Type, Content-Encoding, X-Request-ID"
    )
    response["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return response


# origin -> (whether a working key is for it, monotonic time until which this holds); one per process.
_remembered: dict[str, tuple[bool, float]] = {}


def forget_remembered() -> None:
    """Look every origin up again at its next preflight."""
    _remembered.clear()


def _is_of_a_key(origin: str) -> bool:
    if len(origin) > 255 or not ORIGIN.fullmatch(origin):
        return False
    known = _remembered.get(origin)
    if known is not None and known[1] > time.monotonic():
        return known[0]
    found = ApiKey.objects.filter(revoked_at=None, origins__contains=[origin]).exists()
    if len(_remembered) >= REMEMBERED_AT_MOST:
        forget_remembered()
    _remembered[origin] = (found, time.monotonic() + REMEMBER_SECONDS)
    return found


def _origin_of(text: str) -> str:
    found = ORIGIN.fullmatch(text.strip().lower().removesuffix("/"))
    if found is None or len(text) > 255 or int(found[3] or 0) > 65_535:
        raise BadOrigin(
            f'"{text.strip()[:100]}" is no origin. One reads like https://shop.example or '
            "http://localhost:3000: no path, no *; names with other letters in their xn-- form."
        )
    scheme, host, port = found.groups()
    return f"{scheme}://{host}" + (f":{port}" if port and (scheme, port) not in USUAL_PORTS else "")
