"""What end users want, and how that came about."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request

from interests.models import EndUser
from interests.selectors import people, states
from interests.selectors.states import CurrentState, StateHistory, StatePoint
from recsite.access import parameters
from recsite.access.endpoints import Endpoint, json_response
from recsite.access.models import Scope

WEIGHTS_HELP = 'Category to weight; the weights, "uncategorised" included, sum to 1.'


class EndUserNotFound(exceptions.NotFound):
    """No event has named the end user."""

    default_code = "end_user_not_found"
    default_detail = "There is no such end user; the first event makes one."


class Weights(serializers.DictField):
    """Interest weights by category."""

    child = serializers.FloatField(min_value=0, max_value=1)


class CurrentInterests(Endpoint):
    """What an end user wants now, or wanted at a time."""

    scopes = {"GET": Scope.READ_INTERESTS}

    class Output(serializers.Serializer[dict[str, object]]):
        user_id = serializers.CharField()
        at = serializers.DateTimeField(
            allow_null=True, help_text="Of the last event that it has seen; null: no state yet."
        )
        weights = Weights(help_text=WEIGHTS_HELP)
        long_term = Weights(help_text="Without forgetting.")
        short_term = Weights(help_text="With a memory of about 20 events.")
        drift_score = serializers.FloatField(
            allow_null=True, help_text="Null: too few events to say."
        )
        events = serializers.IntegerField(help_text="How many events stand behind it.")
        active_days = serializers.IntegerField()
        events_through = serializers.DateTimeField(
            allow_null=True, help_text="Arrival of the newest event that it has seen."
        )
        knowledge_is_newer = serializers.BooleanField(
            help_text="What other people teach was learned after the time that was asked for."
        )

    @extend_schema(
        operation_id="interests",
        parameters=[
            OpenApiParameter(
                "at",
                str,
                description="A time (ISO 8601); the answer is the state after the last events up to it that "
                "a state was kept for, and has seen nothing later of this person. Default: now.",
            )
        ],
        responses={200: Output},
        tags=["interests"],
    )
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """Return interest weights; none for somebody whose first events are still being read."""
        at = parameters.time(request.GET, "at")
        end_user = end_user_of(user_id)
        if at is None:
            state, is_newer = states.current_state(end_user.pk), False
        else:
            state, is_newer = states.state_at(end_user.pk, at=at)
        return json_response({"user_id": user_id, **_plain(state), "knowledge_is_newer": is_newer})


class InterestHistory(Endpoint):
    """The states of an end user over time."""

    scopes = {"GET": Scope.READ_INTERESTS}

    class Output(serializers.Serializer[dict[str, object]]):
        class State(serializers.Serializer[dict[str, object]]):
            at = serializers.DateTimeField()
            weights = Weights(help_text=WEIGHTS_HELP)
            long_term = Weights()
            short_term = Weights()
            drift_score = serializers.FloatField(allow_null=True)
            events = serializers.IntegerField()

        user_id = serializers.CharField()
        step = serializers.ChoiceField(choices=states.STEPS, help_text="The step that was used.")
        states = State(many=True)

    @extend_schema(
        operation_id="interest_history",
        parameters=[
            OpenApiParameter("from", str, description="Not before this time (ISO 8601)."),
            OpenApiParameter("to", str, description="Not after this time (ISO 8601)."),
            OpenApiParameter(
                "step",
                str,
                enum=["auto", *states.STEPS],
                description="The last state of each day, week or month, or every one; "
                "default auto: as fine as a figure can show.",
            ),
        ],
        responses={200: Output},
        tags=["interests"],
    )
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """Return the states, oldest first."""
        since, until = parameters.time(request.GET, "from"), parameters.time(request.GET, "to")
        step = parameters.choice(
            request.GET, "step", default="auto", choices=("auto", *states.STEPS)
        )
        history = states.history(end_user_of(user_id).pk, since=since, until=until, step=step)
        return json_response(
            {
                "user_id": user_id,
                "step": history.step,
                "states": [_point(history, point) for point in history.points],
            }
        )


def end_user_of(user_id: str) -> EndUser:
    """Return the end user of an id, that of a guest who became a member too.

    Raises:
        EndUserNotFound: nothing has named them.
    """
    end_user = people.find(user_id)
    if end_user is None:
        raise EndUserNotFound
    return end_user


def _plain(state: CurrentState | None) -> dict[str, object]:
    rows = state.categories if state else []
    return {
        "at": state.at.isoformat() if state else None,
        "weights": {row.category.name: row.weight for row in rows},
        "long_term": {row.category.name: row.long_term for row in rows},
        "short_term": {row.category.name: row.short_term for row in rows},
        "drift_score": state.drift_score if state else None,
        "events": state.num_events if state else 0,
        "active_days": state.active_days if state else 0,
        "events_through": state.events_through.isoformat() if state else None,
    }


def _point(history: StateHistory, point: StatePoint) -> dict[str, object]:
    names = [category.name for category in history.categories]
    return {
        "at": point.at.isoformat(),
        "weights": dict(zip(names, point.weights, strict=True)),
        "long_term": dict(zip(names, point.long_term, strict=True)),
        "short_term": dict(zip(names, point.short_term, strict=True)),
        "drift_score": point.drift_score,
        "events": point.num_events,
    }
