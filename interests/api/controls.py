"""What people say about their own recommendations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request

from interests import tasks
from interests.api.items import StorableText
from interests.api.states import end_user_of
from interests.services import controlling
from interests.services.controlling import Said, Wishes
from recsite.access.acting import ActingEndpoint
from recsite.access.endpoints import body_of, json_response
from recsite.access.models import Scope


class ControlsInvalid(exceptions.APIException):
    """The controls make no sense."""

    status_code = 400
    default_code = "controls_invalid"


class UserControls(ActingEndpoint):
    """Categories that a person wants more or nothing of, what is to be forgotten, and opting out."""

    scopes = {"GET": Scope.READ_USERS, "PUT": Scope.WRITE_USERS}

    class Input(serializers.Serializer[dict[str, Any]]):
        muted_categories = serializers.ListField(
            child=StorableText(max_length=200, trim_whitespace=False),
            max_length=controlling.MAX_CATEGORIES,
            required=False,
            help_text="Names of categories that are never shown. Left out: none.",
        )
        boosts = serializers.DictField(
            child=serializers.FloatField(),
            required=False,
            help_text="Category to factor, 0.01 to 100: above 1 shows more of it, below 1 less.",
        )
        forget_before = serializers.DateTimeField(
            required=False,
            allow_null=True,
            help_text="Events before this time are not used any more. Left out or null: all are used.",
        )
        reset = serializers.BooleanField(
            required=False,
            help_text="True: forget everything up to now, whatever forget_before says.",
        )
        is_opted_out = serializers.BooleanField(
            required=False,
            help_text="True: events are stored, but nothing is worked out of them; answers are what "
            "everybody gets. Left out: false.",
        )

    class Output(serializers.Serializer[dict[str, Any]]):
        user_id = serializers.CharField()
        muted_categories = serializers.ListField(child=serializers.CharField())
        boosts = serializers.DictField(child=serializers.FloatField())
        forget_before = serializers.DateTimeField(allow_null=True)
        is_opted_out = serializers.BooleanField()
        updated_at = serializers.DateTimeField(allow_null=True, help_text="Null: nothing was said.")

    @extend_schema(operation_id="read_controls", responses={200: Output}, tags=["users"])
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """Return what a person has said; the defaults where that is nothing."""
        return json_response(_plain(controlling.controls_of(end_user_of(user_id))))

    @extend_schema(
        operation_id="put_controls", request=Input, responses={200: Output}, tags=["users"]
    )
    def put(self, request: Request, user_id: str) -> HttpResponse:
        """Replace all that a person has said; what is left out is back at its default.

        It holds from the next answer on. A person who is not known yet is made.
        """
        body = body_of(request)
        given = self.Input(data=body)
        if unknown := sorted(set(body) - set(given.fields)):
            # Everything that was said is replaced: a misspelt name would take a wish back.
            raise ControlsInvalid(
                f"There is no field {unknown[0][:100]!r}. There are: {', '.join(given.fields)}.",
                code="field_unknown",
            )
        given.is_valid(raise_exception=True)
        now = timezone.now()
        try:
            said = controlling.put(
                user_id=user_id, wishes=_wishes(given.validated_data, now=now), now=now
            )
        except controlling.ControlsInvalid as error:
            raise ControlsInvalid(str(error), code=error.code) from error
        if said.is_worked_out_anew:
            transaction.on_commit(tasks.ask_for_refresh)
        return json_response(_plain(said))


def _wishes(given: dict[str, Any], *, now: datetime) -> Wishes:
    return Wishes(
        muted=given.get("muted_categories", ()),
        boosts=given.get("boosts", {}),
        forget_before=now if given.get("reset") else given.get("forget_before"),
        is_opted_out=given.get("is_opted_out", False),
    )


def _plain(said: Said) -> dict[str, object]:
    wishes = said.wishes
    return {
        "user_id": said.end_user.user_id,
        "muted_categories": list(wishes.muted),
        "boosts": dict(wishes.boosts),
        "forget_before": wishes.forget_before.isoformat() if wishes.forget_before else None,
        "is_opted_out": wishes.is_opted_out,
        "updated_at": said.updated_at.isoformat() if said.updated_at else None,
    }
