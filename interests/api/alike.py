"""People who want the same."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from interests.api.states import end_user_of
from interests.selectors import alike
from recsite.access import parameters
from recsite.access.endpoints import Endpoint, json_response
from recsite.access.models import Scope

DEFAULT_N = 10
MAX_N = 100


class PeopleAlike(Endpoint):
    """The end users whose interests are nearest to one's."""

    scopes = {"GET": Scope.READ_INTERESTS}

    class Output(serializers.Serializer[dict[str, object]]):
        class Person(serializers.Serializer[dict[str, object]]):
            user_id = serializers.CharField()
            rank = serializers.IntegerField()
            cosine = serializers.FloatField(help_text="Of the two interest vectors, -1 to 1.")
            events = serializers.IntegerField(help_text="How many events stand behind theirs.")

        user_id = serializers.CharField()
        users = Person(many=True)

    @extend_schema(
        operation_id="people_alike",
        parameters=[OpenApiParameter("n", int, description=f"How many, 1 to {MAX_N}.")],
        responses={200: Output},
        tags=["interests"],
    )
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """Return who wants the same now, nearest first; none before a network has seen the person.

        People with fewer than five events are left out: they still want what everybody wants.
        """
        n = parameters.integer(request.GET, "n", default=DEFAULT_N, low=1, high=MAX_N)
        found = alike.people_like(end_user_of(user_id).pk, n=n)
        users = [
            {"user_id": one.user_id, "rank": rank, "cosine": one.cosine, "events": one.num_events}
            for rank, one in enumerate(found, start=1)
        ]
        return json_response({"user_id": user_id, "users": users})
