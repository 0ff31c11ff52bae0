"""Every failure of the API in one shape: application/problem+json (RFC 9457) with a stable `code`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions, status
from rest_framework.views import set_rollback

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5

log = structlog.get_logger()


class BadParameter(exceptions.APIException):
    """Something in the address cannot be used; the detail says what would be right."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "invalid_parameter"


class BodyTooLarge(exceptions.APIException):
    """The body is larger than any that makes sense."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"


class DatabaseAway(exceptions.APIException):
    """PostgreSQL does not answer; it is worth trying again soon."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "database_unavailable"
    default_detail = "The database does not answer right now. Nothing was stored; try again."
    wait = RETRY_AFTER_SECONDS


TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    410: "Gone",
    413: "Body too large",
    415: "Unsupported media type",
    429: "Too many requests",
    500: "Internal error",
    503: "Temporarily unavailable",
}


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Turn any exception of an endpoint into an answer; DRF's `EXCEPTION_HANDLER`."""
    set_rollback()
    request = context.get("request")
    known = _as_api_exception(error)
    if known is None:
        log.exception("api_failed", exc_info=error)
        return problem(
            request, status=500, code="internal_error",
            detail="Something went wrong on our side. Quote the request id when you report it.",
        )  # fmt: skip
    codes = known.get_codes()
    extra: dict[str, Any] = {}
    if isinstance(known, exceptions.ValidationError):
        errors = list(_flat(known.get_full_details()))
        detail, code = "; ".join(e["detail"] for e in errors), "invalid_body"
        extra["errors"] = errors
    else:
        detail, code = str(known.detail), codes if isinstance(codes, str) else "invalid"
    answer = problem(request, status=known.status_code, code=code, detail=detail, **extra)
    if wait := getattr(known, "wait", None):
        answer["Retry-After"] = str(math.ceil(wait))
    if challenge := getattr(known, "auth_header", None):
        answer["WWW-Authenticate"] = challenge
    return answer


def problem(request: Any, *, status: int, code: str, detail: str, **extra: Any) -> HttpResponse:
    """Return a problem as an answer; `extra` are further members of it."""
    body = {
        "type": f"urn:recsite:problem:{code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": getattr(request, "request_id", ""),
        **extra,
    }
    return HttpResponse(json.dumps(body), status=status, content_type=CONTENT_TYPE)


def is_api(request: HttpRequest) -> bool:
    """Tell whether a request is for a program, which wants a problem and not a page."""
    return request.path_info.startswith(("/api/", "/health/"))


def _as_api_exception(error: Exception) -> exceptions.APIException | None:
    match error:
        case exceptions.APIException():
            return error
        case Http404():
            return exceptions.NotFound(str(error) or None)
        case PermissionDenied():
            return exceptions.PermissionDenied()
        case RequestDataTooBig():
            return BodyTooLarge(str(error))
        case OperationalError() | InterfaceError():
            log.warning("database_away", error=str(error))
            return DatabaseAway()
    return None


def _flat(details: Any, field: str = "") -> Iterator[dict[str, str]]:
    """Yield each error of a serializer with the path of its field, such as `events.3.kind`."""
    if isinstance(details, dict) and "message" in details:
        where = "" if field in ("", "non_field_errors") else f"{field}: "
        yield {"field": field, "code": details["code"], "detail": f"{where}{details['message']}"}
    elif isinstance(details, dict):
        for name, inner in details.items():
            yield from _flat(inner, f"{field}.{name}" if field else str(name))
    elif isinstance(details, list):
        for inner in details:
            yield from _flat(inner, field)
