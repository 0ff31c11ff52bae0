"""The catalogue, item by item."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request

from interests.models import Item
from interests.services import curating
from recsite.access.endpoints import Endpoint, body_of, json_response
from recsite.access.models import Scope

MAX_CATEGORIES = 100


class ItemNotFound(exceptions.NotFound):
    """Neither a catalogue nor an event has named the item."""

    default_code = "item_not_found"
    default_detail = "There is no such item."


class StorableText(serializers.CharField):
    """A text that PostgreSQL can take: DRF refuses NUL itself, not half of a surrogate pair."""

    def to_internal_value(self, data: str) -> str:
        """Return the text."""
        text = super().to_internal_value(data)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise serializers.ValidationError(
                "Holds a character that cannot be stored.", code="invalid"
            ) from None
        return text


class DescribedItem(Endpoint):
    """One item with its categories."""

    scopes = {"GET": Scope.READ_ITEMS, "PUT": Scope.WRITE_ITEMS}

    class Input(serializers.Serializer[dict[str, object]]):
        title = StorableText(max_length=1000)
        description = StorableText(
            required=False, allow_blank=True, max_length=100_000, default="", trim_whitespace=False
        )
        categories = serializers.ListField(
            child=StorableText(max_length=200),
            max_length=MAX_CATEGORIES,
            required=False,
            default=list,
        )
        attributes = serializers.DictField(required=False, default=dict)
        is_hidden = serializers.BooleanField(
            required=False, help_text="Left out: as it was; shown for a new item."
        )

        def validate_attributes(self, value: dict[str, object]) -> dict[str, object]:
            """Refuse what a JSON column cannot hold."""
            if not curating.is_storable(value):
                raise serializers.ValidationError(
                    "Holds a character or number that cannot be stored.", code="invalid"
                )
            return value

    class Output(serializers.Serializer[dict[str, object]]):
        item_id = serializers.CharField()
        title = serializers.CharField()
        description = serializers.CharField()
        categories = serializers.ListField(child=serializers.CharField())
        attributes = serializers.DictField()
        is_described = serializers.BooleanField(help_text="False: only events have named it yet.")
        is_hidden = serializers.BooleanField()
        created_at = serializers.DateTimeField()

    @extend_schema(operation_id="read_item", responses={200: Output}, tags=["items"])
    def get(self, request: Request, item_id: str) -> HttpResponse:
        """Return an item."""
        item = Item.objects.filter(item_id=item_id).prefetch_related("categories").first()
        if item is None:
            raise ItemNotFound
        return json_response(_plain(item))

    @extend_schema(
        operation_id="put_item",
        request=Input,
        responses={200: Output, 201: Output},
        tags=["items"],
    )
    def put(self, request: Request, item_id: str) -> HttpResponse:
        """Make an item or replace what is known of it; categories that are new are made."""
        given = self.Input(data=body_of(request))
        given.is_valid(raise_exception=True)
        item, is_new = curating.put_item(
            item_id=item_id, now=timezone.now(), **given.validated_data
        )
        return json_response(_plain(item), status=201 if is_new else 200)


def _plain(item: Item) -> dict[str, object]:
    return {
        "item_id": item.item_id,
        "title": item.title,
        "description": item.description,
        "categories": sorted(category.name for category in item.categories.all()),
        "attributes": item.attributes,
        "is_described": item.is_described,
        "is_hidden": item.is_hidden,
        "created_at": item.created_at.isoformat(),
    }
