"""The call that everything is for."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request

from recommender.api import reasons
from recommender.models.placements import DEFAULT
from recommender.services import answer_counts, recommending
from recommender.services.planning import PlacementUnknown
from recommender.services.recommending import Answer, CursorRefused
from recsite.access import parameters
from recsite.access.endpoints import Endpoint, FastEndpoint, body_of
from recsite.access.models import Scope
from recsite.access.pagination import InvalidCursor
from recsite.access.problems import BadParameter

MAX_N = 200  # as long as a slate
MAX_OFFSET = 10_000
MAX_EXCLUDED = 500
MAX_END_USERS = 100
MAX_CURSOR = 6_000
PLACEMENT = OpenApiParameter(
    "placement", str, description=f'Whose rules answer; default "{DEFAULT}".'
)
PARAMETERS = [
    OpenApiParameter("n", int, description=f"How many, 1 to {MAX_N}; default: the placement's."),
    OpenApiParameter("offset", int, description="How many to leave out at the top; default 0."),
    OpenApiParameter(
        "cursor",
        str,
        description="Empty on the first page, then `next` of the page before: the pages are then of one "
        "list, whatever comes in meanwhile.",
    ),
    PLACEMENT,
    OpenApiParameter("category", str, description="Only items of this category."),
    OpenApiParameter(
        "exclude", str, many=True, description="An item's id to leave out; repeat it for more."
    ),
    OpenApiParameter("explain", bool, description="true: say why each item is there."),
    *reasons.PARAMETERS,
]


class PlacementNotFound(exceptions.NotFound):
    """There is no such placement; the detail names those there are."""

    default_code = "placement_unknown"


class RankedItem(serializers.Serializer[dict[str, object]]):
    """An item in a list; all lists of items look like this."""

    item_id = serializers.CharField()
    rank = serializers.IntegerField(help_text="From 1, offset included.")
    score = serializers.FloatField()


class RecommendedItem(RankedItem):
    """An item for a person, with why it is there where that was asked."""

    reason = reasons.Reason(
        required=False,
        allow_null=True,
        help_text="With explain; null: there is nothing true to say.",
    )
    evidence = reasons.Evidence(
        many=True,
        required=False,
        help_text="With explain: the person's events that count most for the item, most first; none while that "
        "is being worked out, which takes about a second from the first time that it is asked.",
    )


class RecommendationsOutput(serializers.Serializer[dict[str, object]]):
    """A list for one person."""

    recommendation_id = serializers.CharField(help_text="Send it with the events that follow.")
    user_id = serializers.CharField()
    placement = serializers.CharField()
    items = RecommendedItem(many=True)
    run = serializers.IntegerField(allow_null=True, help_text="The publication that answers.")
    generated_at = serializers.DateTimeField(allow_null=True)
    events_through = serializers.DateTimeField(
        allow_null=True, help_text="Arrival of the newest event that the list has seen."
    )
    fallback = serializers.BooleanField(help_text="True: popular items, nothing personal yet.")
    next = serializers.CharField(
        allow_null=True,
        help_text="Send it as `cursor` to go on with this list. Null: it ends, or no cursor was sent.",
    )


class Recommendations(FastEndpoint):
    """What to show to an end user: one read of one row, and the placement's rules."""

    scopes = {"GET": Scope.READ_RECOMMENDATIONS}

    @extend_schema(
        operation_id="recommendations",
        parameters=PARAMETERS,
        responses={200: RecommendationsOutput},
        tags=["recommendations"],
    )
    def get(self, request: HttpRequest, user_id: str) -> HttpResponse:
        """Return the best items for an end user; popular ones for somebody unknown, never an error."""
        return self.answer(request, user_id=user_id)

    def answer(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """Read what is stored of the person and apply the rules."""
        user_id = parameters.storable(kwargs["user_id"], "user_id")
        query, began = request.GET, time.perf_counter()
        explain = parameters.choice(query, "explain", default="false", choices=("true", "false"))
        try:
            answer = recommending.recommend(
                user_id=user_id,
                placement=parameters.text(query, "placement", default=DEFAULT),
                n=_n(query),
                offset=parameters.integer(query, "offset", default=0, low=0, high=MAX_OFFSET),
                category=parameters.text(query, "category"),
                exclude=parameters.texts(query, "exclude", at_most=MAX_EXCLUDED),
                cursor=_cursor(query),
                explain=explain == "true",
                now=timezone.now(),
            )
        except PlacementUnknown as error:
            raise PlacementNotFound(str(error)) from error
        except CursorRefused as error:
            raise InvalidCursor from error
        told = reasons.told(request, answer) if explain == "true" else None
        body = json.dumps(plain(answer, told=told), separators=(",", ":"))
        if answer.variants:
            answer_counts.note(
                answer.variants,
                user_id=user_id,
                seconds=time.perf_counter() - began,
                items=[one.item for one in answer.items],
            )
        return HttpResponse(body, content_type="application/json")


class ManyRecommendations(Endpoint):
    """What to show to many end users, such as all who get tonight's mail."""

    scopes = {"POST": Scope.READ_RECOMMENDATIONS}

    class Input(serializers.Serializer[dict[str, Any]]):
        user_ids = serializers.ListField(
            child=serializers.CharField(max_length=parameters.ID_LENGTH, trim_whitespace=False),
            min_length=1,
            max_length=MAX_END_USERS,
        )
        placement = serializers.CharField(default=DEFAULT, max_length=parameters.ID_LENGTH)
        n = serializers.IntegerField(
            required=False, allow_null=True, default=None, min_value=1, max_value=MAX_N
        )

    class Output(serializers.Serializer[dict[str, object]]):
        recommendations = RecommendationsOutput(
            many=True, help_text="One for each user_id, in their order."
        )

    @extend_schema(
        operation_id="recommendations_of_many",
        request=Input,
        responses={200: Output},
        tags=["recommendations"],
    )
    def post(self, request: Request) -> HttpResponse:
        """Return the same answers that each end user would get alone."""
        given = self.Input(data=body_of(request))
        given.is_valid(raise_exception=True)
        said = given.validated_data
        for user_id in said["user_ids"]:
            parameters.storable(user_id, "user_ids")
        try:
            answers = recommending.recommend_many(
                user_ids=said["user_ids"],
                placement=said["placement"],
                n=said["n"],
                now=timezone.now(),
            )
        except PlacementUnknown as error:
            raise PlacementNotFound(str(error)) from error
        body = {"recommendations": [plain(answer) for answer in answers]}
        return HttpResponse(
            json.dumps(body, separators=(",", ":")), content_type="application/json"
        )


def plain(answer: Answer, *, told: Sequence[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return an answer as it is sent.

    Args:
        told: of each item why it is there, where that was asked.
    """
    items = [{"item_id": one.item_id, "rank": one.rank, "score": one.score} for one in answer.items]
    if told is not None:
        items = [entry | why for entry, why in zip(items, told, strict=True)]
    return {
        "recommendation_id": answer.recommendation_id,
        "user_id": answer.user_id,
        "placement": answer.placement,
        "items": items,
        "run": answer.run,
        "generated_at": _time(answer.generated_at),
        "events_through": _time(answer.events_through),
        "fallback": answer.is_fallback,
        "next": answer.next or None,
    }


def _n(query: QueryDict) -> int | None:
    if "n" not in query:
        return None
    return parameters.integer(query, "n", default=1, low=1, high=MAX_N)


def _cursor(query: QueryDict) -> str | None:
    given = query.get("cursor")
    if given is not None and len(given) > MAX_CURSOR:
        raise InvalidCursor
    if given is not None and "offset" in query:
        raise BadParameter(
            "Send cursor or offset, not both: the cursor knows where its page begins."
        )
    return given


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()
