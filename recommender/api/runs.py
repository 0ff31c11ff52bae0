"""What serves, what was worked out, and how good it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from recommender.models import EvaluationRun, MetricValue, Serving
from recommender.selectors import finished_runs
from recsite.access import pagination, parameters
from recsite.access.endpoints import Endpoint, json_response
from recsite.access.models import Scope

PAGING = [
    OpenApiParameter("cursor", str, description='What "next" of the page before said.'),
    OpenApiParameter("limit", int, description=f"Rows a page, 1 to {pagination.MAX_LIMIT}."),
]


class FinishedRuns(Endpoint):
    """Runs that are done, newest first, and the publication that serves."""

    scopes = {"GET": Scope.READ_RUNS}

    class Output(serializers.Serializer[dict[str, object]]):
        class FinishedRun(serializers.Serializer[dict[str, object]]):
            kind = serializers.ChoiceField(choices=list(finished_runs.KINDS))
            id = serializers.IntegerField()
            finished_at = serializers.DateTimeField()
            started_at = serializers.DateTimeField(allow_null=True)
            window_from = serializers.DateTimeField(allow_null=True)
            window_to = serializers.DateTimeField(allow_null=True)
            seed = serializers.IntegerField()
            settings = serializers.DictField()
            results = serializers.DictField()

        class Switch(serializers.Serializer[dict[str, object]]):
            run = serializers.IntegerField(help_text="The publication.")
            algorithm = serializers.CharField()
            since = serializers.DateTimeField()

        serving = Switch(allow_null=True)
        runs = FinishedRun(many=True)
        next = serializers.CharField(allow_null=True, help_text="The next page's cursor.")

    @extend_schema(
        operation_id="runs",
        parameters=[
            OpenApiParameter(
                "kind", str, enum=list(finished_runs.KINDS), description="Only these."
            ),
            *PAGING,
        ],
        responses={200: Output},
        tags=["runs"],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return a page of runs."""
        kind = parameters.choice(
            request.GET, "kind", default="", choices=("", *finished_runs.KINDS)
        )
        limit = _limit(request)
        position = pagination.decode(parameters.text(request.GET, "cursor"), str, str, int)
        runs = finished_runs.finished_runs(
            kind=kind, limit=limit + 1, before=_read_position(position)
        )
        page, following = runs[:limit], None
        if len(runs) > limit:
            last = page[-1]
            following = pagination.encode(last["finished_at"].isoformat(), last["kind"], last["id"])
        return json_response(
            {
                "serving": _serving(finished_runs.serving()),
                "runs": [{name: _plain(value) for name, value in run.items()} for run in page],
                "next": following,
            }
        )


class Evaluations(Endpoint):
    """Comparisons of algorithms on held-out events."""

    scopes = {"GET": Scope.READ_RUNS}

    class Output(serializers.Serializer[dict[str, object]]):
        class Evaluation(serializers.Serializer[dict[str, object]]):
            class Value(serializers.Serializer[dict[str, object]]):
                algorithm = serializers.CharField()
                metric = serializers.CharField()
                segment = serializers.CharField()
                value = serializers.FloatField()
                low = serializers.FloatField(allow_null=True)
                high = serializers.FloatField(allow_null=True)
                p_value = serializers.FloatField(allow_null=True)
                num_users = serializers.IntegerField()

            id = serializers.IntegerField()
            split = serializers.ChoiceField(choices=EvaluationRun.Split.choices)
            k = serializers.IntegerField()
            targets_sha256 = serializers.CharField(allow_blank=True)
            training_run = serializers.IntegerField(allow_null=True)
            finished_at = serializers.DateTimeField()
            settings = serializers.DictField()
            values = Value(many=True)

        evaluations = Evaluation(many=True)
        next = serializers.CharField(allow_null=True, help_text="The next page's cursor.")

    @extend_schema(
        operation_id="evaluations", parameters=PAGING, responses={200: Output}, tags=["runs"]
    )
    def get(self, request: Request) -> HttpResponse:
        """Return a page of evaluations, newest first."""
        limit = _limit(request)
        position = pagination.decode(parameters.text(request.GET, "cursor"), int)
        runs = finished_runs.finished_evaluations(
            limit=limit + 1, before=position[0] if position else None
        )
        following = pagination.encode(runs[limit - 1].pk) if len(runs) > limit else None
        return json_response(
            {"evaluations": [_evaluation(run) for run in runs[:limit]], "next": following}
        )


def _limit(request: Request) -> int:
    return parameters.integer(
        request.GET, "limit", default=pagination.DEFAULT_LIMIT, low=1, high=pagination.MAX_LIMIT
    )


def _read_position(position: tuple[Any, ...] | None) -> tuple[datetime, str, int] | None:
    if position is None:
        return None
    try:
        finished_at = datetime.fromisoformat(position[0])
    except ValueError:
        raise pagination.InvalidCursor from None
    if finished_at.tzinfo is None or position[1] not in finished_runs.KINDS:
        raise pagination.InvalidCursor
    return finished_at, position[1], position[2]


def _serving(serving: Serving | None) -> dict[str, object] | None:
    if serving is None:
        return None
    return {
        "run": serving.publication_id,
        "algorithm": serving.publication.algorithm,
        "since": serving.since.isoformat(),
    }


def _evaluation(run: EvaluationRun) -> dict[str, object]:
    return {
        "id": run.pk,
        "split": run.split,
        "k": run.k,
        "targets_sha256": run.targets_sha256,
        "training_run": run.training_run_id,
        "finished_at": _plain(run.finished_at),
        "settings": run.settings,
        "values": [_value(value) for value in run.metric_values.all()],
    }


def _value(value: MetricValue) -> dict[str, object]:
    names = ("algorithm", "metric", "segment", "value", "low", "high", "p_value", "num_users")
    return {name: getattr(value, name) for name in names}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
