"""Who is behind a request that changes something, told to the audit for as long as the request goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from recsite.access import auditing
from recsite.access.authentication import Caller
from recsite.access.endpoints import Endpoint

READING = ("GET", "HEAD", "OPTIONS", "TRACE")


class ActingMiddleware:
    """Names the account behind pages and admin; programs are named by `ActingEndpoint`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        if (
            request.method in READING
            or request.path_info.startswith("/api/")
            or not request.user.is_authenticated
        ):
            return self.get_response(request)
        with auditing.acting(auditing.Actor.ACCOUNT, request.user.get_username()):
            return self.get_response(request)


class ActingEndpoint(Endpoint):
    """An endpoint whose changes are noted as those of the key that is used."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check what is asked, then say who acts."""
        super().initial(request, *args, **kwargs)
        if request.method not in READING and isinstance(request.auth, Caller):
            auditing.begin(auditing.Actor.KEY, request.auth.name)
            self._is_acting = True

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Say that nobody acts any more."""
        if getattr(self, "_is_acting", False):
            auditing.end()
        return super().finalize_response(request, response, *args, **kwargs)
