"""Placements with the rules that answer now, for clients that want to know what they may ask for."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from recommender.ranking.rules import Fallback, Rules, SeenPolicy
from recommender.selectors import pages_placements
from recsite.access import pagination, parameters
from recsite.access.endpoints import Endpoint, json_response
from recsite.access.models import Scope


class RuleWindow(serializers.Serializer[dict[str, object]]):
    """When a rule holds; null: no limit on that side."""

    begin = serializers.DateTimeField(allow_null=True)
    end = serializers.DateTimeField(allow_null=True)


class PinnedItem(serializers.Serializer[dict[str, object]]):
    """An item at a fixed place."""

    item_id = serializers.CharField()
    rank = serializers.IntegerField()
    window = RuleWindow()


class BoostedItems(serializers.Serializer[dict[str, object]]):
    """What counts more or less; one of item_id, category and where is not empty."""

    factor = serializers.FloatField(help_text="Below 1: a burial.")
    item_id = serializers.CharField(allow_blank=True)
    category = serializers.CharField(allow_blank=True)
    where = serializers.CharField(allow_blank=True)
    window = RuleWindow()


class LiveRules(serializers.Serializer[dict[str, object]]):
    """All rules, those at their default too."""

    length = serializers.IntegerField()
    where = serializers.CharField(allow_blank=True)
    categories_in = serializers.ListField(child=serializers.CharField())
    categories_out = serializers.ListField(child=serializers.CharField())
    max_per_category = serializers.IntegerField(allow_null=True)
    pins = PinnedItem(many=True)
    boosts = BoostedItems(many=True)
    seen = serializers.ChoiceField(choices=list(SeenPolicy))
    seen_days = serializers.IntegerField()
    hides_negative = serializers.BooleanField()
    diversity = serializers.FloatField()
    calibration = serializers.FloatField()
    novelty = serializers.FloatField()
    exploration = serializers.FloatField()
    fallbacks = serializers.ListField(child=serializers.ChoiceField(choices=list(Fallback)))


class Placements(Endpoint):
    """Placements by name, each with the version of its rules that is live."""

    scopes = {"GET": Scope.READ_RECOMMENDATIONS}

    class Output(serializers.Serializer[dict[str, object]]):
        class LivePlacement(serializers.Serializer[dict[str, object]]):
            name = serializers.CharField()
            description = serializers.CharField(allow_blank=True)
            version = serializers.IntegerField(
                help_text="0: the rules that a placement starts with."
            )
            since = serializers.DateTimeField()
            rules = LiveRules()

        placements = LivePlacement(many=True)
        next = serializers.CharField(allow_null=True, help_text="The next page's cursor.")

    @extend_schema(
        operation_id="placements",
        parameters=[
            OpenApiParameter("cursor", str, description='What "next" of the page before said.'),
            OpenApiParameter(
                "limit", int, description=f"Rows a page, 1 to {pagination.MAX_LIMIT}."
            ),
        ],
        responses={200: Output},
        tags=["recommendations"],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return a page of placements."""
        limit = parameters.integer(
            request.GET, "limit", default=pagination.DEFAULT_LIMIT, low=1, high=pagination.MAX_LIMIT
        )
        position = pagination.decode(parameters.text(request.GET, "cursor"), str)
        rows = pages_placements.live_placements(
            after=parameters.storable(position[0], "cursor") if position else "", limit=limit + 1
        )
        page = rows[:limit]
        following = pagination.encode(page[-1].name) if len(rows) > limit else None
        return json_response(
            {
                "placements": [
                    {
                        "name": row.name,
                        "description": row.description,
                        "version": row.number,
                        "since": row.since.isoformat(),
                        "rules": _all_rules(row.rules),
                    }
                    for row in page
                ],
                "next": following,
            }
        )


def _all_rules(rules: Rules) -> dict[str, Any]:
    """Return rules as JSON values, those at their default too."""
    changed = rules.to_plain()
    return {
        own.name: changed.get(own.name, _plain(getattr(rules, own.name))) for own in fields(rules)
    }


def _plain(value: Any) -> Any:
    """Return a default as JSON has it: none of them holds a time or a pin."""
    return [str(one) for one in value] if isinstance(value, tuple) else value
