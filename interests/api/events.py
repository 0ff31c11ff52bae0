"""What end users did, as it happens."""

from __future__ import annotations

from dataclasses import asdict

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request

from interests import tasks
from interests.models import ID_LENGTH
from interests.services import reading_events, recording
from recsite.access.endpoints import Endpoint, body_of, json_response
from recsite.access.models import Scope


class TooManyEvents(exceptions.APIException):
    """More events than one request may hold."""

    status_code = 400
    default_code = "too_many_events"


class EventsMissing(exceptions.APIException):
    """The body holds no list of events."""

    status_code = 400
    default_code = "events_missing"
    default_detail = 'The body must hold a list: {"events": [{"event_id": ...}, ...]}.'


class RecordEvents(Endpoint):
    """Stores events before it answers; the same `event_id` again is a duplicate, never a second event."""

    scopes = {"POST": Scope.WRITE_EVENTS}

    class Input(serializers.Serializer[dict[str, object]]):
        """For the schema only: a thousand events through serializers took longer than storing them."""

        class Event(serializers.Serializer[dict[str, object]]):
            event_id = serializers.CharField(max_length=ID_LENGTH)
            user_id = serializers.CharField(max_length=ID_LENGTH)
            item_id = serializers.CharField(max_length=ID_LENGTH)
            kind = serializers.CharField(max_length=50)
            value = serializers.FloatField(
                required=False,
                allow_null=True,
                min_value=-reading_events.LARGEST_VALUE,
                max_value=reading_events.LARGEST_VALUE,
            )
            occurred_at = serializers.DateTimeField(
                required=False, allow_null=True, help_text="Default: now. No zone means UTC."
            )
            session_id = serializers.CharField(
                required=False, allow_null=True, allow_blank=True, max_length=ID_LENGTH
            )
            recommendation_id = serializers.CharField(
                required=False, allow_null=True, allow_blank=True, max_length=ID_LENGTH
            )

        events = Event(many=True)

    class Output(serializers.Serializer[dict[str, object]]):
        class Rejection(serializers.Serializer[dict[str, object]]):
            index = serializers.IntegerField(help_text="Its place in what was sent, from 0.")
            code = serializers.CharField()
            detail = serializers.CharField()

        accepted = serializers.IntegerField()
        duplicates = serializers.IntegerField()
        rejected = Rejection(many=True)

    @extend_schema(
        operation_id="record_events", request=Input, responses={200: Output}, tags=["events"]
    )
    def post(self, request: Request) -> HttpResponse:
        """Store up to 1,000 events; those that cannot be stored are listed, the others are stored."""
        events = body_of(request).get("events")
        if not isinstance(events, list):
            raise EventsMissing
        try:
            recorded = recording.record_events(events=events, now=timezone.now())
        except recording.TooManyEvents as error:
            raise TooManyEvents(str(error)) from error
        if recorded.marked:
            transaction.on_commit(tasks.ask_for_refresh)
        told = ("accepted", "duplicates", "rejected")
        return json_response({name: asdict(recorded)[name] for name in told})
