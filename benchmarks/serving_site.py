"""The site with one more address: a bare view that reads one indexed row and returns it."""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

application = get_wsgi_application()

from recsite.urls import urlpatterns as site  # the apps must be loaded first


def bare(request: HttpRequest, user_id: str) -> HttpResponse:
    """Return the row of `user_id`, which holds the whole answer as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM benchmark_answer WHERE user_id = %s", [user_id])
        row: tuple[str] = cursor.fetchone()
    return HttpResponse(row[0], content_type="application/json")


urlpatterns = [
    path("bare/<str:user_id>", bare),
    path("api/v1/bare/<str:user_id>", bare),
    *site,
]
settings.ROOT_URLCONF = __name__
