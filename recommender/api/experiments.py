"""What experiments say."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from recommender.evaluation.verdicts import Code
from recommender.models import Experiment
from recommender.selectors import pages_experiments
from recommender.selectors.pages_experiments import Row, VariantRow
from recsite.access import pagination, parameters
from recsite.access.endpoints import Endpoint, json_response
from recsite.access.models import Scope


class Experiments(Endpoint):
    """Experiments that were started, with their verdicts."""

    scopes = {"GET": Scope.READ_RUNS}

    class Output(serializers.Serializer[dict[str, object]]):
        class StartedExperiment(serializers.Serializer[dict[str, object]]):
            class Variant(serializers.Serializer[dict[str, object]]):
                id = serializers.IntegerField()
                name = serializers.CharField()
                share = serializers.FloatField(help_text="Of the people, as planned.")
                version = serializers.IntegerField(
                    allow_null=True, help_text="Number of its rules; null: those that are live."
                )
                items_from = serializers.CharField(
                    allow_blank=True, help_text='"": each person\'s own list.'
                )
                people = serializers.IntegerField()
                value = serializers.FloatField(allow_null=True)
                effect = serializers.FloatField(
                    allow_null=True,
                    help_text="Against the control, as a share of its value; of interleaving the part of "
                    "the clicks for it less that for the other.",
                )
                low = serializers.FloatField(
                    allow_null=True, help_text="Of the interval that holds at all looks."
                )
                high = serializers.FloatField(allow_null=True)
                p_value = serializers.FloatField(allow_null=True, help_text="Valid at any look.")

            id = serializers.IntegerField()
            name = serializers.CharField()
            placement = serializers.CharField()
            kind = serializers.ChoiceField(choices=Experiment.Kind.choices)
            metric = serializers.ChoiceField(choices=Experiment.Metric.choices)
            state = serializers.ChoiceField(choices=Experiment.State.choices)
            verdict = serializers.ChoiceField(choices=list(Code))
            sentence = serializers.CharField()
            chosen = serializers.IntegerField(
                allow_null=True, help_text="The variant it was decided for."
            )
            sample_ratio_p_value = serializers.FloatField()
            started_at = serializers.DateTimeField()
            ended_at = serializers.DateTimeField(allow_null=True)
            end_reason = serializers.CharField(allow_blank=True)
            looked_at = serializers.DateTimeField(allow_null=True)
            variants = Variant(many=True)

        experiments = StartedExperiment(many=True)
        next = serializers.CharField(allow_null=True, help_text="The next page's cursor.")

    @extend_schema(
        operation_id="experiments",
        parameters=[
            OpenApiParameter(
                "cursor", str, description='What "next" of the page before said.'
            ),
            OpenApiParameter("limit", int, description=f"Rows a page, 1 to {pagination.MAX_LIMIT}."),
        ],
        responses={200: Output},
        tags=["runs"],
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """Return a page of experiments, newest first."""
        limit = parameters.integer(
            request.GET, "limit", default=pagination.DEFAULT_LIMIT, low=1, high=pagination.MAX_LIMIT
        )
        position = pagination.decode(parameters.text(request.GET, "cursor"), int)
        rows = pages_experiments.page(
            limit=limit + 1, before=position[0] if position else None, now=timezone.now()
        )
        following = pagination.encode(rows[limit - 1].experiment.pk) if len(rows) > limit else None
        return json_response(
            {"experiments": [_experiment(row) for row in rows[:limit]], "next": following}
        )


def _experiment(row: Row) -> dict[str, Any]:
    of = row.experiment
    return {
        "id": of.pk,
        "name": of.name,
        "placement": of.placement.name,
        "kind": of.kind,
        "metric": of.metric,
        "state": of.state,
        "verdict": row.verdict.code,
        "sentence": row.verdict.text,
        "chosen": of.chosen_id,
        "sample_ratio_p_value": of.sample_ratio_p,
        "started_at": _time(of.started_at),
        "ended_at": _time(of.ended_at),
        "end_reason": of.end_reason,
        "looked_at": _time(of.looked_at),
        "variants": [_variant(one) for one in row.variants],
    }


def _variant(row: VariantRow) -> dict[str, Any]:
    variant, look = row.variant, row.look
    return {
        "id": variant.pk,
        "name": variant.name,
        "share": row.share,
        "version": variant.version.number if variant.version else None,
        "items_from": variant.source,
        "people": look.people,
        **{name: getattr(look, name) for name in ("value", "effect", "low", "high", "p_value")},
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
