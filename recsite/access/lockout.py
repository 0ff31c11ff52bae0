"""What somebody sees who guessed a password too often."""

from __future__ import annotations

from typing import Any

from axes.helpers import get_cool_off
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from recsite.access import problems


def answer(
    request: HttpRequest, original_response: HttpResponse | None = None, credentials: Any = None
) -> HttpResponse:
    """Return 429 with the time to wait, as a page or, under /api, as a problem."""
    cool_off = get_cool_off(request)
    seconds = int(cool_off.total_seconds()) if cool_off else 0
    if problems.is_api(request):
        response = problems.problem(
            request, status=429, code="locked_out", detail="Too many failed sign-ins; wait a while."
        )
    else:
        context = {"minutes": -(-seconds // 60)}
        response = render(request, "access/locked_out.html", context, status=429)
    if seconds:
        response["Retry-After"] = str(seconds)
    return response
