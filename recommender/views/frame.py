"""What belongs to every page: the chosen theme, and the pages for errors."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from recommender.templatetags.frame import THEMES

YEAR_SECONDS = 365 * 86_400


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Switch between light and dark and go back to where the reader was."""
    chosen = request.POST.get("theme") or _other(request.COOKIES.get("theme", ""))
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = "/"
    response = HttpResponseRedirect(target)
    if chosen in THEMES:
        response.set_cookie("theme", chosen, max_age=YEAR_SECONDS, samesite="Lax")
    return response


def is_part_asked(request: HttpRequest) -> bool:
    """Tell whether htmx asks for a part of a page, not for a page by a boosted link."""
    return bool(request.htmx) and not request.htmx.boosted  # type: ignore[attr-defined]


def _other(current: str) -> str:
    return "light" if current == "dark" else "dark"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 404)


def failed(request: HttpRequest) -> HttpResponse:
    return _error(request, 500)


def _error(request: HttpRequest, status: int) -> HttpResponse:
    """Draw the page of an error; it asks nothing of the database, which may be the reason."""
    request_id = getattr(request, "request_id", "") or request.headers.get("X-Request-ID", "")
    return render(request, f"{status}.html", {"request_id": request_id}, status=status)
