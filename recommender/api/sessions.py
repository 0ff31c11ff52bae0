"""Recommendations for somebody unknown, from what they did just now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from interests.models import ID_LENGTH
from recommender import tasks
from recommender.api.recommendations import (
    MAX_EXCLUDED,
    MAX_N,
    PlacementNotFound,
    RecommendedItem,
)
from recommender.models import Serving
from recommender.models.placements import DEFAULT
from recommender.services import session_lists
from recommender.services.asking import Question, State
from recommender.services.nearest import SessionEvent
from recommender.services.planning import PlacementUnknown
from recsite.access import parameters
from recsite.access.endpoints import Endpoint, body_of, json_response
from recsite.access.models import Scope

MAX_EVENTS = 200


class SessionRecommendations(Endpoint):
    """What to show next to somebody of whom only the last minutes are known."""

    scopes = {"POST": Scope.READ_RECOMMENDATIONS}

    class Input(serializers.Serializer[dict[str, Any]]):
        class Event(serializers.Serializer[dict[str, Any]]):
            item_id = serializers.CharField(max_length=ID_LENGTH, trim_whitespace=False)
            kind = serializers.CharField(max_length=50, default="view")
            value = serializers.FloatField(
                required=False, allow_null=True, default=None, min_value=-1e9, max_value=1e9
            )
            occurred_at = serializers.DateTimeField(
                required=False, allow_null=True, default=None, help_text="Default: now."
            )

        events = serializers.ListField(
            child=Event(), max_length=MAX_EVENTS, help_text="In whatever order."
        )
        n = serializers.IntegerField(
            required=False, allow_null=True, default=None, min_value=1, max_value=MAX_N
        )
        placement = serializers.CharField(default=DEFAULT, max_length=ID_LENGTH)
        exclude = serializers.ListField(
            child=serializers.CharField(max_length=ID_LENGTH, trim_whitespace=False),
            max_length=MAX_EXCLUDED,
            required=False,
            default=list,
        )

    class Output(serializers.Serializer[dict[str, object]]):
        recommendation_id = serializers.CharField(help_text="Send it with the events that follow.")
        placement = serializers.CharField()
        items = RecommendedItem(many=True)
        run = serializers.IntegerField(
            allow_null=True, help_text="The publication that answers, null for a fallback."
        )
        source = serializers.ChoiceField(  # type: ignore[assignment]  # the name is the API's
            choices=["network", "similar_items", "fallback"],
            help_text="network: a live worker; similar_items: none answered within 300 ms, and stored "
            "similarities did; fallback: nothing known is near to what was done.",
        )
        fallback = serializers.BooleanField()

    @extend_schema(
        operation_id="session_recommendations",
        request=Input,
        responses={200: Output},
        tags=["recommendations"],
    )
    def post(self, request: Request) -> HttpResponse:
        """Return the best items after these events. Nothing of them is stored; without any, popular items."""
        given = self.Input(data=body_of(request))
        given.is_valid(raise_exception=True)
        said, now = given.validated_data, timezone.now()
        for event in said["events"]:
            parameters.storable(event["item_id"], "item_id")
        done = sorted(
            (_event(event, now) for event in said["events"]), key=lambda one: one.occurred_at
        )
        try:
            made = session_lists.recommend(
                done=done,
                found=_asked(done),
                placement=said["placement"],
                n=said["n"],
                exclude=said["exclude"],
                now=now,
            )
        except PlacementUnknown as error:
            raise PlacementNotFound(str(error)) from error
        answer = made.answer
        return json_response(
            {
                "recommendation_id": answer.recommendation_id,
                "placement": answer.placement,
                "items": [
                    {"item_id": one.item_id, "rank": one.rank, "score": one.score}
                    for one in answer.items
                ],
                "run": answer.run,
                "source": "fallback" if answer.is_fallback else made.source,
                "fallback": answer.is_fallback,
            }
        )


def _event(said: dict[str, Any], now: datetime) -> SessionEvent:
    at = (said["occurred_at"] or now).astimezone(UTC)
    return SessionEvent(
        said["item_id"], said["kind"], said["value"], int(at.timestamp() * 1_000_000)
    )


def _asked(done: list[SessionEvent]) -> dict[str, Any] | None:
    """Return what a live worker says, None where nothing serves or none answers in time."""
    run = Serving.objects.values_list("publication_id", flat=True).first()
    if run is None or not done:
        return None
    values = [[one.item_id, one.kind, one.value, one.occurred_at] for one in done]
    asked = tasks.ask_soon(Question.SESSION, depends_on=run, done=values)
    return dict(asked.answer) if asked.state == State.ANSWERED else None
