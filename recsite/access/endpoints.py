"""What all endpoints share. Each is one class with inner `Input` and `Output` serializers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import APIView

from recsite.access import authentication, bodies, parameters, permissions, problems, throttling
from recsite.access.models import Scope


class Endpoint(APIView):
    """An endpoint: `scopes` says which scope each method asks for."""

    scopes: ClassVar[Mapping[str, Scope]] = {}
    schema_tags: ClassVar[list[str]] = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check what is asked before anything is read: key, scope, rate, size, ids in the path."""
        super().initial(request, *args, **kwargs)
        check_size(request._request)
        for name, value in kwargs.items():
            if isinstance(value, str):
                parameters.storable(value, name)


class FastEndpoint(Endpoint):
    """An endpoint whose one method goes past DRF's negotiation and parsing, not past its checks.

    DRF's own dispatch costs about as much as the rest of a request that reads one row.
    """

    fast_method: ClassVar[str] = "GET"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer the fast method; leave every other to DRF, which refuses it in the usual way."""
        if request.method != self.fast_method:
            return super().dispatch(request, *args, **kwargs)
        try:
            caller = authentication.caller_of(request)
            permissions.check(caller, self.scopes[self.fast_method])
            throttling.check(caller, now=time.time(), address=throttling.address_of(request))
            check_size(request)
            return self.answer(request, **kwargs)
        except Exception as error:  # noqa: BLE001  # `handle` logs what it does not know
            if isinstance(error, exceptions.APIException) and error.status_code == 401:
                error.auth_header = authentication.CHALLENGE  # type: ignore[attr-defined]
            return problems.handle(error, {"request": request})

    def answer(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """Return the answer."""
        raise NotImplementedError


class Nothing(Endpoint):
    """Answers for every address under /api that leads nowhere."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse."""
        raise exceptions.NotFound("There is nothing at this address. See /api/docs.")


def check_size(request: HttpRequest) -> None:
    """Raise `BodyTooLarge` for a body over `DATA_UPLOAD_MAX_MEMORY_SIZE`, before it is read."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
    try:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        size = 0
    if size > limit:
        raise problems.BodyTooLarge(
            f"The body has {size:,} bytes; at most {limit:,} are read. Send less at a time."
        )


def fast_body_of(request: HttpRequest, *, is_text_fine: bool) -> dict[str, Any]:
    """Return the body, which must be a JSON object, of a request that DRF has not seen.

    Args:
        is_text_fine: whether it may call itself text, as a beacon's JSON does.
    """
    if not request.content_type and not request.body:
        return {}
    kinds = ("application/json", "text/plain") if is_text_fine else ("application/json",)
    if request.content_type not in kinds:
        raise exceptions.UnsupportedMediaType(request.content_type or "")
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "")
    body = bodies.json_of(bodies.unpacked(request.body, encoding))
    if not isinstance(body, dict):
        raise exceptions.ParseError("The body must be a JSON object.")
    return body


def body_of(request: Request) -> dict[str, Any]:
    """Return the request's body, which must be a JSON object."""
    if not isinstance(request.data, dict):
        raise exceptions.ParseError("The body must be a JSON object.")
    return request.data


def json_response(body: Any, *, status: int = 200) -> HttpResponse:
    """Return plain values as JSON without DRF's rendering."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return HttpResponse(text, status=status, content_type="application/json")
