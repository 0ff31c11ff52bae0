"""A request id on every answer; a clear 503 while PostgreSQL is away."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from recsite.access import problems

Handler = Callable[[HttpRequest], HttpResponse]
# What clients send goes into logs and headers, so nothing else passes.
ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")

log = structlog.get_logger()


class RequestIdMiddleware:
    """Takes the client's `X-Request-ID` or makes one; answers and logs carry it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on with its id."""
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if ACCEPTED_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class DatabaseAwayMiddleware:
    """Answers 503 with `Retry-After` where a view failed for want of PostgreSQL."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for views that do not answer themselves: pages and plain views."""
        if not isinstance(error, (OperationalError, InterfaceError)):
            return None
        if problems.is_api(request):
            return problems.handle(error, {"request": request})
        log.warning("database_away", error=str(error))
        response = render(request, "503.html", status=503)
        response["Retry-After"] = str(problems.RETRY_AFTER_SECONDS)
        return response
