"""What end users did, as it happens."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers

from interests import tasks
from interests.models import ID_LENGTH
from interests.services import reading_events, recording
from recsite.access import metrics, origins, problems
from recsite.access.endpoints import FastEndpoint, fast_body_of, json_response
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


class BadSentAt(exceptions.APIException):
    """What should be the time of sending is none."""

    status_code = 400
    default_code = "sent_at_invalid"


class RecordEvents(FastEndpoint):
    """Stores events before it answers; the same `event_id` again is a duplicate, never a second event."""

    fast_method = "POST"
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
        sent_at = serializers.DateTimeField(
            required=False,
            allow_null=True,
            help_text="The sender's clock when it sent. Where that is wrong by more than 5 seconds and up to a "
            "day, the events' times are corrected by as much.",
        )

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
    def post(self, request: HttpRequest) -> HttpResponse:
        """Store up to 1,000 events; those that cannot be stored are listed, the others are stored.

        The body may be packed (`Content-Encoding: gzip`). The kinds `impression` and `dwell` (its value: for
        how many seconds) say what was shown. A key for browsers may stand in the address, `?key=`, and
        its JSON may call itself `text/plain`, so that a page that closes can send a beacon.
        """
        return self.answer(request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, and tell the browser which page may read it."""
        try:
            if origins.is_preflight(request):
                response: HttpResponseBase = origins.preflight(request)
            else:
                response = super().dispatch(request, *args, **kwargs)
        except origins.OriginNotAllowed as error:
            response = problems.handle(error, {"request": request})
        origins.tell(request, response)
        return response

    def answer(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """Store the events, then answer."""
        body = fast_body_of(request, is_text_fine=hasattr(request, "allowed_origin"))
        events = body.get("events")
        if not isinstance(events, list):
            raise EventsMissing
        try:
            recorded = recording.record_events(
                events=events, now=timezone.now(), sent_at=body.get("sent_at")
            )
        except recording.TooManyEvents as error:
            raise TooManyEvents(str(error)) from error
        except recording.BadSentAt as error:
            raise BadSentAt(str(error)) from error
        if recorded.marked:
            transaction.on_commit(tasks.ask_for_refresh)
        metrics.count_events(
            accepted=recorded.accepted,
            duplicates=recorded.duplicates,
            rejected=len(recorded.rejected),
        )
        rejected = [
            {"index": one.index, "code": one.code, "detail": one.detail}
            for one in recorded.rejected
        ]
        return json_response(
            {
                "accepted": recorded.accepted,
                "duplicates": recorded.duplicates,
                "rejected": rejected,
            }
        )
