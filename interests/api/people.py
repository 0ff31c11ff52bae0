"""A guest becomes a member; everything that is held about somebody; erasure."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request

from interests import tasks
from interests.api.items import StorableText
from interests.api.states import EndUserNotFound, end_user_of
from interests.models import ID_LENGTH
from interests.services import erasing, exporting, merging
from recsite.access.acting import ActingEndpoint
from recsite.access.endpoints import Endpoint, body_of, json_response
from recsite.access.models import Scope


class CannotMerge(exceptions.APIException):
    """The two cannot become one."""

    status_code = 409
    default_code = "cannot_merge"


class MergedUser(ActingEndpoint):
    """A guest who becomes a member."""

    scopes = {"POST": Scope.WRITE_USERS}

    class Input(serializers.Serializer[dict[str, Any]]):
        into = StorableText(
            max_length=ID_LENGTH, trim_whitespace=False, help_text="The member; made where unknown."
        )

    class Output(serializers.Serializer[dict[str, Any]]):
        user_id = serializers.CharField(
            help_text="The member's id; the guest's means the same now."
        )
        events = serializers.IntegerField(help_text="That moved; 0 where it was done before.")
        impressions = serializers.IntegerField()

    @extend_schema(
        operation_id="merge_user", request=Input, responses={200: Output}, tags=["users"]
    )
    def post(self, request: Request, user_id: str) -> HttpResponse:
        """Move what a guest did and said to a member; from now on both ids mean the member.

        Doing it again does nothing.
        """
        given = self.Input(data=body_of(request))
        given.is_valid(raise_exception=True)
        into = given.validated_data["into"]
        try:
            merged = merging.merge(user_id=user_id, into=into, now=timezone.now())
        except merging.EndUserUnknown as error:
            raise EndUserNotFound from error
        except merging.CannotMerge as error:
            raise CannotMerge(str(error), code=error.code) from error
        if merged.is_done_now:
            transaction.on_commit(tasks.ask_for_refresh)
        return json_response(
            {
                "user_id": merged.into.user_id,
                "events": merged.num_events,
                "impressions": merged.num_impressions,
            }
        )


class ExportedUser(Endpoint):
    """Everything that is held about an end user."""

    scopes = {"GET": Scope.READ_USERS}

    class Output(serializers.Serializer[dict[str, Any]]):
        user_id = serializers.CharField()
        exported_at = serializers.DateTimeField()
        created_at = serializers.DateTimeField()
        attributes = serializers.DictField()
        aliases = serializers.ListField(child=serializers.CharField(), help_text="Other ids.")
        controls = serializers.DictField(allow_null=True, help_text="Null: nothing was said.")
        awaits_refresh = serializers.BooleanField()
        events = serializers.ListField(child=serializers.DictField())
        impressions = serializers.ListField(child=serializers.DictField())
        worked_out = serializers.DictField(
            child=serializers.ListField(child=serializers.DictField()),
            help_text="Table to the rows that name the person, as they are stored.",
        )
        audit = serializers.ListField(child=serializers.DictField())
        categories = serializers.DictField(
            child=serializers.CharField(), help_text="Names of the keys in worked_out."
        )

    @extend_schema(operation_id="export_user", responses={200: Output}, tags=["users"])
    def get(self, request: Request, user_id: str) -> StreamingHttpResponse:
        """Return everything that is held about an end user, as one document that is written while it is read."""
        pieces = exporting.export(end_user_of(user_id), now=timezone.now())
        response = StreamingHttpResponse(pieces, content_type="application/json")
        response["Content-Disposition"] = 'attachment; filename="end-user.json"'
        response["Cache-Control"] = "no-store"
        return response


class ErasedUser(ActingEndpoint):
    """Erasure."""

    scopes = {"DELETE": Scope.WRITE_USERS}

    @extend_schema(operation_id="erase_user", responses={204: None}, tags=["users"])
    def delete(self, request: Request, user_id: str) -> HttpResponse:
        """Erase an end user everywhere, whichever of their ids is given; 404 where there is nobody (any more)."""
        try:
            erasing.erase(user_id=user_id)
        except erasing.EndUserUnknown as error:
            raise EndUserNotFound from error
        return HttpResponse(status=204)
