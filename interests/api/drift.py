"""Whose interests have changed: one person, and everybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from interests.api.states import end_user_of
from interests.models import Category
from interests.selectors import drift, population
from interests.selectors.drift import CurrentDrift, DriftLine
from interests.selectors.population import DrifterRow
from interests.selectors.states import CategoryName
from recsite.access import pagination, parameters
from recsite.access.endpoints import Endpoint, json_response
from recsite.access.models import Scope
from recsite.access.problems import BadParameter

# Of the names in the list of drifters at most this share is there by chance.
FALSE_NAMES = 0.1
NUM_DRIFTERS = 100
RISING_HELP = "Categories, the surest first."


class Names(serializers.ListField):
    """Names of categories."""

    child = serializers.CharField()


class DriftEventOutput(serializers.Serializer[dict[str, object]]):
    """A change of one person's interests."""

    class Side(serializers.Serializer[dict[str, object]]):
        category = serializers.CharField()
        before = serializers.FloatField()
        after = serializers.FloatField()

    class Evidence(serializers.Serializer[dict[str, object]]):
        item_id = serializers.CharField()
        title = serializers.CharField(allow_blank=True)
        kind = serializers.CharField()
        occurred_at = serializers.DateTimeField()

    class Mark(serializers.Serializer[dict[str, object]]):
        verdict = serializers.ChoiceField(choices=["right", "wrong", "explained"])
        note = serializers.CharField(allow_blank=True)

    id = serializers.IntegerField()
    user_id = serializers.CharField()
    detected_at = serializers.DateTimeField(help_text="Time of the event that raised it.")
    began_at = serializers.DateTimeField(help_text="When it began, estimated.")
    events = serializers.IntegerField(help_text="Events seen when it was raised.")
    confidence = serializers.FloatField(help_text="Probability that it is a change, 0 to 1.")
    score = serializers.FloatField(help_text="Evidence above no change, in nats.")
    rising = Names(help_text=RISING_HELP)
    falling = Names(help_text=RISING_HELP)
    is_return = serializers.BooleanField(help_text="Back to what was wanted before.")
    shares = Side(many=True, help_text="Before and since it began, the most moved first.")
    evidence = Evidence(many=True, help_text="Events that show it, the most telling first.")
    mark = Mark(allow_null=True, help_text="What an analyst made of it.")


class EndUserDrift(Endpoint):
    """How one person's interests move, and when they changed."""

    scopes = {"GET": Scope.READ_INTERESTS}

    class Output(serializers.Serializer[dict[str, object]]):
        user_id = serializers.CharField()
        at = serializers.DateTimeField(allow_null=True, help_text="Null: no state yet.")
        too_little = serializers.BooleanField(
            help_text="Too few events to say; then nothing rises or falls."
        )
        events = serializers.IntegerField()
        events_needed = serializers.IntegerField(
            help_text="Events that are not negative before anything is said."
        )
        drift_score = serializers.FloatField(
            allow_null=True, help_text="Mean 0 and standard deviation 1 while nothing changes."
        )
        p_value = serializers.FloatField(
            allow_null=True, help_text="Chance of such a score while nothing changes, in one look."
        )
        rising = Names(help_text="More than usual of late beyond noise, the surest first.")
        falling = Names(help_text="Less than usual of late beyond noise, the surest first.")
        new = Names(help_text="Those of `rising` that were hardly seen before.")
        steady = Names(help_text="Neither, the largest first.")
        events_through = serializers.DateTimeField(allow_null=True)
        drift_events = DriftEventOutput(many=True, help_text="Oldest first.")

    @extend_schema(
        operation_id="user_drift",
        parameters=[
            OpenApiParameter("from", str, description="Drift events not before this time."),
            OpenApiParameter("to", str, description="Drift events not after this time."),
        ],
        responses={200: Output},
        tags=["interests"],
    )
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """Return drift score and drift events."""
        since, until = parameters.time(request.GET, "from"), parameters.time(request.GET, "to")
        end_user = end_user_of(user_id)
        events = drift.drift_events_of(end_user.pk, since=since, until=until)
        return json_response(
            {
                "user_id": user_id,
                **_current(drift.current(end_user.pk)),
                "drift_events": [_event(line) for line in events],
            }
        )


class Drift(Endpoint):
    """The newest changes of everybody, and whose interests have moved most surely."""

    scopes = {"GET": Scope.READ_INTERESTS}

    class Output(serializers.Serializer[dict[str, object]]):
        class Drifter(serializers.Serializer[dict[str, object]]):
            rank = serializers.IntegerField()
            user_id = serializers.CharField()
            drift_score = serializers.FloatField()
            p_value = serializers.FloatField()
            q_value = serializers.FloatField(
                help_text="Share of false names in the list down to this one."
            )
            rising = Names()
            falling = Names()

        drift_events = DriftEventOutput(many=True, help_text="Newest first.")
        next = serializers.CharField(allow_null=True, help_text="The next page's cursor.")
        drifters = Drifter(
            many=True,
            allow_null=True,
            help_text="With one false name in ten; null: not worked out yet, or a further page.",
        )
        drifters_at = serializers.DateTimeField(
            allow_null=True, help_text="When the list was worked out."
        )

    @extend_schema(
        operation_id="drift",
        parameters=[
            OpenApiParameter("since", str, description="Raised at this time or later (ISO 8601)."),
            OpenApiParameter("min_confidence", float, description="0 to 1. Default: all."),
            OpenApiParameter("category", str, description="Only changes in which it takes part."),
            OpenApiParameter(
                "direction", str, enum=["rising", "falling"], description="Of the category."
            ),
            OpenApiParameter("cursor", str, description='What "next" of the page before said.'),
            OpenApiParameter("limit", int, description=f"Rows, 1 to {pagination.MAX_LIMIT}."),
        ],
        responses={200: Output},
        tags=["interests"],
    )
    def get(self, request: Request) -> HttpResponse:
        """Return a page of drift events; the first comes with the list of drifters."""
        limit = parameters.integer(
            request.GET,
            "limit",
            default=pagination.DEFAULT_LIMIT,
            low=1,
            high=pagination.MAX_LIMIT,
        )
        position = _position(request)
        category_id, direction = _category(request)
        found = drift.newest(
            limit=limit + 1,
            now=timezone.now(),
            before=position,
            since=parameters.time(request.GET, "since"),
            min_confidence=_confidence(request),
            category_id=category_id,
            direction=direction,
        )
        page, following = found[:limit], None
        if len(found) > limit:
            following = pagination.encode(page[-1].detected_at.isoformat(), page[-1].pk)
        report = population.newest_report() if position is None else None
        rows: list[DrifterRow] = []
        if report is not None:
            rows, _ = population.drifters(report.run_id, level=FALSE_NAMES, limit=NUM_DRIFTERS)
        return json_response(
            {
                "drift_events": [_event(line) for line in page],
                "next": following,
                "drifters": [_drifter(row) for row in rows] if report else None,
                "drifters_at": report.finished_at.isoformat() if report else None,
            }
        )


def _position(request: Request) -> tuple[datetime, int] | None:
    position = pagination.decode(parameters.text(request.GET, "cursor"), str, int)
    if position is None:
        return None
    try:
        at = datetime.fromisoformat(position[0])
    except ValueError:
        raise pagination.InvalidCursor from None
    if at.tzinfo is None:
        raise pagination.InvalidCursor
    return at, position[1]


def _confidence(request: Request) -> float:
    given = request.GET.get("min_confidence") or "0"
    try:
        value = float(given)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise BadParameter(f'min_confidence must be a number from 0 to 1, not "{given[:50]}".')
    return value


def _category(request: Request) -> tuple[int | None, str]:
    name = parameters.text(request.GET, "category")
    direction = parameters.choice(
        request.GET, "direction", default="", choices=("", "rising", "falling")
    )
    if not name:
        if direction:
            raise BadParameter("direction speaks of a category: name one with category=.")
        return None, ""
    key = Category.objects.filter(name=name).values_list("pk", flat=True).first()
    if key is None:
        raise BadParameter(f'category must be the name of one that there is, not "{name[:50]}".')
    return key, direction


def _current(found: CurrentDrift) -> dict[str, object]:
    return {
        "at": found.at.isoformat() if found.at else None,
        "too_little": found.is_too_little,
        "events": found.num_events,
        "events_needed": found.num_needed,
        "drift_score": found.drift_score,
        "p_value": found.p_value,
        "rising": _names(found.rising),
        "falling": _names(found.falling),
        "new": _names(found.new),
        "steady": _names(found.steady),
        "events_through": found.events_through.isoformat() if found.events_through else None,
    }


def _event(line: DriftLine) -> dict[str, object]:
    return {
        "id": line.pk,
        "user_id": line.user_id,
        "detected_at": line.detected_at.isoformat(),
        "began_at": line.begin_at.isoformat(),
        "events": line.num_events,
        "confidence": line.confidence,
        "score": line.score,
        "rising": _names(line.rising),
        "falling": _names(line.falling),
        "is_return": line.is_return,
        "shares": [
            {"category": side.category.name, "before": side.before, "after": side.after}
            for side in line.sides
        ],
        "evidence": [
            {
                "item_id": shown.item_id,
                "title": shown.title,
                "kind": shown.kind,
                "occurred_at": shown.occurred_at.isoformat(),
            }
            for shown in line.evidence
        ],
        "mark": {"verdict": line.mark.verdict, "note": line.mark.note} if line.mark else None,
    }


def _drifter(row: DrifterRow) -> dict[str, object]:
    return {
        "rank": row.rank,
        "user_id": row.user_id,
        "drift_score": row.drift_score,
        "p_value": row.p_value,
        "q_value": row.q_value,
        "rising": _names(row.rising),
        "falling": _names(row.falling),
    }


def _names(categories: Sequence[CategoryName]) -> list[str]:
    return [category.name for category in categories]
