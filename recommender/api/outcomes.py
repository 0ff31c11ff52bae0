"""What came of answers, as the page about outcomes shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from recommender.api.runs import PAGING
from recommender.models import OutcomeRate
from recommender.selectors import pages_outcomes
from recsite.access import pagination, parameters
from recsite.access.endpoints import Endpoint, json_response
from recsite.access.models import Scope

LONGEST_DIMENSION = 100


class Outcomes(Endpoint):
    """Click-through, conversion, dwell and satisfaction of placements and their parts, with intervals."""

    scopes = {"GET": Scope.READ_RUNS}

    class Output(serializers.Serializer[dict[str, object]]):
        class Rate(serializers.Serializer[dict[str, object]]):
            placement = serializers.CharField(
                allow_null=True, help_text="Null: it is not there any more."
            )
            span = serializers.ChoiceField(choices=OutcomeRate.Span.values)
            begins_at = serializers.DateTimeField()
            ends_at = serializers.DateTimeField()
            dimension = serializers.CharField(
                help_text='What answers are split by; "all": nothing.'
            )
            part = serializers.CharField(allow_blank=True, help_text="Which part of the dimension.")
            metric = serializers.ChoiceField(choices=OutcomeRate.Metric.values)
            value = serializers.FloatField(
                help_text="A share of items seen; seconds for dwell; a share of likes and dislikes."
            )
            low = serializers.FloatField(
                allow_null=True, help_text="Of the 95 % interval over people; null: too few."
            )
            high = serializers.FloatField(allow_null=True)
            median = serializers.FloatField(allow_null=True, help_text="Of people; of dwell alone.")
            numerator = serializers.FloatField()
            denominator = serializers.FloatField()
            num_people = serializers.IntegerField()

        rates = Rate(many=True)
        next = serializers.CharField(allow_null=True, help_text="The next page's cursor.")

    @extend_schema(
        operation_id="outcomes",
        parameters=[
            OpenApiParameter(
                "span",
                str,
                enum=OutcomeRate.Span.values,
                description='What is counted together; "last-7-days" if not given.',
            ),
            OpenApiParameter("placement", str, description="Only this one."),
            OpenApiParameter(
                "dimension",
                str,
                description='Only this: "all", "source", "algorithm", "run", "version", "drift", '
                '"activity", "met", or "attribute " and its name.',
            ),
            OpenApiParameter(
                "metric", str, enum=OutcomeRate.Metric.values, description="Only this."
            ),
            *PAGING,
        ],
        responses={200: Output},
        tags=["runs"],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return a page of rates, oldest first."""
        span = parameters.choice(
            request.GET, "span", default="last-7-days", choices=tuple(OutcomeRate.Span.values)
        )
        metric = parameters.choice(
            request.GET, "metric", default="", choices=("", *OutcomeRate.Metric.values)
        )
        limit = parameters.integer(
            request.GET, "limit", default=pagination.DEFAULT_LIMIT, low=1, high=pagination.MAX_LIMIT
        )
        names = dict(pages_outcomes.placements())
        wanted = parameters.text(request.GET, "placement")
        key = {name: key for key, name in names.items()}.get(wanted, -1) if wanted else None
        cursor = parameters.text(request.GET, "cursor")
        rows = pages_outcomes.page_of_rates(
            span=span,
            placement=key,
            dimension=parameters.text(request.GET, "dimension")[:LONGEST_DIMENSION],
            metric=metric,
            limit=limit + 1,
            after=_read_position(pagination.decode(cursor, str, int, str, str, str)),
        )
        page = rows[:limit]
        following = pagination.encode(*_position(page[-1])) if len(rows) > limit else None
        return json_response({"rates": [_rate(row, names) for row in page], "next": following})


def _position(row: OutcomeRate) -> tuple[str, int, str, str, str]:
    return row.begins_at.isoformat(), row.placement, row.dimension, row.part, row.metric


def _read_position(
    position: tuple[Any, ...] | None,
) -> tuple[datetime, int, str, str, str] | None:
    if position is None:
        return None
    try:
        begins_at = datetime.fromisoformat(position[0])
    except ValueError:
        raise pagination.InvalidCursor from None
    if begins_at.tzinfo is None:
        raise pagination.InvalidCursor
    for text in position[2:]:
        parameters.storable(text, "cursor")
    return (begins_at, *position[1:])


def _rate(row: OutcomeRate, names: dict[int, str]) -> dict[str, object]:
    plain = ("span", "dimension", "part", "metric", "value", "low", "high", "median", "numerator", "denominator", "num_people")  # fmt: skip
    return {
        "placement": names.get(row.placement),
        "begins_at": row.begins_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        **{name: getattr(row, name) for name in plain},
    }
