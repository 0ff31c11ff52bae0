"""A request id on every answer; the API past what only pages need; a clear 503 while PostgreSQL is away."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import BadRequest, DisallowedHost
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework import exceptions

from recsite.access import problems

Handler = Callable[[HttpRequest], HttpResponse]
API, ADMIN = "/api/v1/", "/admin/"
# What clients send goes into logs and headers, so nothing else passes.
ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")

log = structlog.get_logger()


class BadHost(exceptions.ParseError):
    """The request is for a host that is not in `ALLOWED_HOSTS`."""

    default_code = "bad_host"


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


class ApiMiddleware:
    """Takes requests for the API straight to their view: sessions, forms and pages' policies are not for programs.

    What stands above it in `MIDDLEWARE` holds for the API, what stands below does not. The rest cost a request
    that reads one row a third of its time.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        # Django builds one chain; this is the end of it, for requests that leave it here.
        handler: Any = BaseHandler()
        handler._view_middleware, handler._template_response_middleware = [], []
        handler._exception_middleware = [DatabaseAwayMiddleware(get_response).process_exception]
        self._to_view: Any = convert_exception_to_response(handler._get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on, past the pages' middleware where it is for the API."""
        if not request.path_info.startswith(API):
            return self.get_response(request)
        try:
            request.get_host()
        except DisallowedHost as error:
            return problems.handle(BadHost(str(error)), {"request": request})
        response: HttpResponse = self._to_view(request)
        if not response.streaming and not response.has_header("Content-Length"):
            response["Content-Length"] = str(len(response.content))
        return response


class NulMiddleware:
    """Refuses addresses of the admin with a NUL, which no text in PostgreSQL can hold; our own pages pass it over."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on.

        Raises:
            BadRequest: its address holds a NUL.
        """
        path = request.path_info
        if path.startswith(ADMIN) and ("\0" in path or "%00" in request.META["QUERY_STRING"]):
            raise BadRequest("The address holds a NUL.")
        return self.get_response(request)


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
