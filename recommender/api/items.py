"""Lists of items for nobody in particular."""

from __future__ import annotations

from django.http import HttpResponse, QueryDict
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from interests.api.items import ItemNotFound
from interests.models import Item
from recommender.api.recommendations import MAX_N, MAX_OFFSET, RankedItem
from recommender.selectors import slates
from recommender.services.counting import TRENDING, WINDOWS
from recsite.access import parameters
from recsite.access.endpoints import Endpoint
from recsite.access.models import Scope

DEFAULT_N = 10


class SimilarItems(Endpoint):
    """The items nearest to one in the network's space."""

    scopes = {"GET": Scope.READ_RECOMMENDATIONS}

    class Output(serializers.Serializer[dict[str, object]]):
        items = RankedItem(many=True)
        run = serializers.IntegerField(allow_null=True)

    @extend_schema(
        operation_id="similar_items",
        parameters=[OpenApiParameter("n", int, description=f"How many, 1 to {MAX_N}.")],
        responses={200: Output},
        tags=["items"],
    )
    def get(self, request: Request, item_id: str) -> HttpResponse:
        """Return similar items; none for an item that no training has seen yet."""
        n = parameters.integer(request.GET, "n", default=DEFAULT_N, low=1, high=MAX_N)
        shown = slates.similar_items(item_id, n=n)
        if shown.run is None and not Item.objects.filter(item_id=item_id).exists():
            raise ItemNotFound
        run = "null" if shown.run is None else shown.run
        return HttpResponse(
            f'{{"items":{shown.items},"run":{run}}}', content_type="application/json"
        )


class PopularItems(Endpoint):
    """The items chosen most, over all time or lately."""

    scopes = {"GET": Scope.READ_RECOMMENDATIONS}

    class Output(serializers.Serializer[dict[str, object]]):
        items = RankedItem(many=True)
        window = serializers.ChoiceField(choices=sorted(WINDOWS))
        counted_at = serializers.DateTimeField(allow_null=True, help_text="Null: not yet counted.")

    @extend_schema(
        operation_id="popular_items",
        parameters=[
            OpenApiParameter("window", str, enum=sorted(WINDOWS), description="Default: all."),
            OpenApiParameter("category", str, description="Only items of this category."),
            OpenApiParameter("n", int, description=f"How many, 1 to {MAX_N}."),
            OpenApiParameter("offset", int, description="How many to leave out at the top."),
        ],
        responses={200: Output},
        tags=["items"],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return the most chosen items; `score` is their number of events in the window."""
        query = request.GET
        window = parameters.choice(query, "window", default="all", choices=tuple(sorted(WINDOWS)))
        return _counted(query, window, said=f'"window":"{window}",')


class TrendingItems(Endpoint):
    """The items chosen more than usual just now."""

    scopes = {"GET": Scope.READ_RECOMMENDATIONS}

    class Output(serializers.Serializer[dict[str, object]]):
        items = RankedItem(many=True)
        counted_at = serializers.DateTimeField(allow_null=True, help_text="Null: not yet counted.")

    @extend_schema(
        operation_id="trending_items",
        parameters=[
            OpenApiParameter("category", str, description="Only items of this category."),
            OpenApiParameter("n", int, description=f"How many, 1 to {MAX_N}."),
            OpenApiParameter("offset", int, description="How many to leave out at the top."),
        ],
        responses={200: Output},
        tags=["items"],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return what is chosen more than usual, most first.

        `score` is how far the events of about a day lie above what the weeks before let expect, in standard
        deviations of a count.
        """
        return _counted(request.GET, TRENDING)


def _counted(query: QueryDict, window: str, said: str = "") -> HttpResponse:
    shown = slates.popular_items(
        n=parameters.integer(query, "n", default=DEFAULT_N, low=1, high=MAX_N),
        offset=parameters.integer(query, "offset", default=0, low=0, high=MAX_OFFSET),
        category=parameters.text(query, "category"),
        window=window,
    )
    at = "null" if shown.generated_at is None else f'"{shown.generated_at.isoformat()}"'
    return HttpResponse(
        f'{{"items":{shown.items},{said}"counted_at":{at}}}', content_type="application/json"
    )
