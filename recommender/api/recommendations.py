"""The call that everything is for."""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime

from django.core.signing import Signer
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from recommender.selectors import slates
from recsite.access import parameters
from recsite.access.endpoints import FastEndpoint
from recsite.access.models import Scope

DEFAULT_N = 10
MAX_N = 200  # as long as a slate
MAX_OFFSET = 10_000
MAX_EXCLUDED = 500
PARAMETERS = [
    OpenApiParameter("n", int, description=f"How many, 1 to {MAX_N}; default {DEFAULT_N}."),
    OpenApiParameter("offset", int, description="How many to leave out at the top; default 0."),
    OpenApiParameter("category", str, description="Only items of this category."),
    OpenApiParameter(
        "exclude", str, many=True, description="An item's id to leave out; repeat it for more."
    ),
]


class RankedItem(serializers.Serializer[dict[str, object]]):
    """An item in a list; all lists of items look like this."""

    item_id = serializers.CharField()
    rank = serializers.IntegerField(help_text="From 1, offset included.")
    score = serializers.FloatField()


class Recommendations(FastEndpoint):
    """What to show to an end user: one read of one row."""

    scopes = {"GET": Scope.READ_RECOMMENDATIONS}

    class Output(serializers.Serializer[dict[str, object]]):
        recommendation_id = serializers.CharField(help_text="Send it with the events that follow.")
        user_id = serializers.CharField()
        items = RankedItem(many=True)
        run = serializers.IntegerField(allow_null=True, help_text="The publication that answers.")
        generated_at = serializers.DateTimeField(allow_null=True)
        events_through = serializers.DateTimeField(
            allow_null=True, help_text="Arrival of the newest event that the list has seen."
        )
        fallback = serializers.BooleanField(help_text="True: popular items, nothing personal yet.")

    @extend_schema(
        operation_id="recommendations",
        parameters=PARAMETERS,
        responses={200: Output},
        tags=["recommendations"],
    )
    def get(self, request: HttpRequest, user_id: str) -> HttpResponse:
        """Return the best items for an end user; popular ones for somebody unknown, never an error."""
        return self.answer(request, user_id=user_id)

    def answer(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """Read the slate, or what is popular."""
        user_id = parameters.storable(kwargs["user_id"], "user_id")
        query = request.GET
        n = parameters.integer(query, "n", default=DEFAULT_N, low=1, high=MAX_N)
        offset = parameters.integer(query, "offset", default=0, low=0, high=MAX_OFFSET)
        category = parameters.text(query, "category")
        exclude = parameters.texts(query, "exclude", at_most=MAX_EXCLUDED)
        shown = slates.slate_of(user_id, n=n, offset=offset, category=category, exclude=exclude)
        is_fallback = shown is None
        if shown is None:
            shown = slates.popular_items(n=n, offset=offset, category=category, exclude=exclude)
        return HttpResponse(_body(user_id, shown, is_fallback), content_type="application/json")


def _body(user_id: str, shown: slates.Shown, is_fallback: bool) -> str:
    """Put the answer together around the items, which PostgreSQL has written."""
    run = "null" if shown.run is None else shown.run
    return (
        f'{{"recommendation_id":"{_recommendation_id(shown)}","user_id":{json.dumps(user_id)},'
        f'"items":{shown.items},"run":{run},"generated_at":{_time(shown.generated_at)},'
        f'"events_through":{_time(shown.events_through)},"fallback":{str(is_fallback).lower()}}}'
    )


def _time(at: datetime | None) -> str:
    return "null" if at is None else f'"{at.astimezone(UTC).isoformat()}"'


def _recommendation_id(shown: slates.Shown) -> str:
    """Name what was shown, when and to whom, signed, so that a read writes nothing down.

    Reads `run.end user.milliseconds:signature`; 0 stands for no run and for a stranger.
    """
    milliseconds = int(timezone.now().timestamp() * 1000)
    return _signer().sign(f"{shown.run or 0}.{shown.end_user or 0}.{milliseconds:x}")


@functools.cache
def _signer() -> Signer:
    return Signer(salt="recommendation")
