"""The catalogue, item by item."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request

from interests.models import ID_LENGTH, Item
from interests.services import curating
from interests.services.curating import Description
from recsite.access.endpoints import Endpoint, body_of, json_response
from recsite.access.models import Scope

MAX_CATEGORIES = 100
MAX_ITEMS = 1_000


class ItemNotFound(exceptions.NotFound):
    """Neither a catalogue nor an event has named the item."""

    default_code = "item_not_found"
    default_detail = "There is no such item."


class ItemsMissing(exceptions.APIException):
    """The body holds no list of items."""

    status_code = 400
    default_code = "items_missing"
    default_detail = 'The body must hold a list: {"items": [{"item_id": ..., "title": ...}, ...]}.'


class TooManyItems(exceptions.APIException):
    """More items than one request may hold."""

    status_code = 400
    default_code = "too_many_items"


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


class ItemInput(serializers.Serializer[dict[str, Any]]):
    """What a catalogue says of an item."""

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
                "Holds a character or number that cannot be stored, or is nested too deeply.",
                code="invalid",
            )
        return value


class DescribedItem(Endpoint):
    """One item with its categories."""

    scopes = {
        "GET": Scope.READ_ITEMS, "PUT": Scope.WRITE_ITEMS, "PATCH": Scope.WRITE_ITEMS,
        "DELETE": Scope.WRITE_ITEMS,
    }  # fmt: skip

    class Input(ItemInput):
        """All of it: what is left out is emptied."""

    class Output(serializers.Serializer[dict[str, object]]):
        item_id = serializers.CharField()
        title = serializers.CharField()
        description = serializers.CharField()
        categories = serializers.ListField(child=serializers.CharField())
        attributes = serializers.DictField()
        is_described = serializers.BooleanField(help_text="False: only events have named it yet.")
        is_hidden = serializers.BooleanField()
        created_at = serializers.DateTimeField()

    class Removed(serializers.Serializer[dict[str, object]]):
        item_id = serializers.CharField()
        result = serializers.ChoiceField(
            choices=["deleted", "hidden"],
            help_text="hidden: people have used or seen it, so it stays in their histories with title and categories; "
            "its description and attributes are removed and it is never recommended.",
        )
        named_by = serializers.IntegerField(help_text="Events and impressions that keep it.")

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

    @extend_schema(
        operation_id="change_item",
        request=Input(partial=True),
        responses={200: Output},
        tags=["items"],
    )
    def patch(self, request: Request, item_id: str) -> HttpResponse:
        """Replace what is given of an item and leave the rest; attributes are replaced as a whole."""
        given = self.Input(data=body_of(request), partial=True)
        given.is_valid(raise_exception=True)
        try:
            item = curating.change_item(item_id=item_id, changes=given.validated_data)
        except Item.DoesNotExist as error:
            raise ItemNotFound from error
        return json_response(_plain(item))

    @extend_schema(operation_id="remove_item", responses={200: Removed}, tags=["items"])
    def delete(self, request: Request, item_id: str) -> HttpResponse:
        """Take an item out of the catalogue: deleted where nobody has used or seen it, hidden otherwise.

        To bring a hidden one back, PUT it with `"is_hidden": false`.
        """
        try:
            num_named = curating.remove_item(item_id=item_id)
        except Item.DoesNotExist as error:
            raise ItemNotFound from error
        result = "deleted" if num_named is None else "hidden"
        return json_response({"item_id": item_id, "result": result, "named_by": num_named or 0})


class ItemBatch(Endpoint):
    """Up to 1,000 items at once."""

    scopes = {"POST": Scope.WRITE_ITEMS}

    class Input(serializers.Serializer[dict[str, Any]]):
        class Item(ItemInput):
            item_id = StorableText(max_length=ID_LENGTH, trim_whitespace=False)

        items = Item(many=True)

    class Output(serializers.Serializer[dict[str, object]]):
        class Rejection(serializers.Serializer[dict[str, object]]):
            index = serializers.IntegerField(help_text="Its place in what was sent, from 0.")
            code = serializers.CharField()
            detail = serializers.CharField()

        created = serializers.IntegerField()
        replaced = serializers.IntegerField()
        rejected = Rejection(many=True)

    @extend_schema(operation_id="put_items", request=Input, responses={200: Output}, tags=["items"])
    def post(self, request: Request) -> HttpResponse:
        """Make up to 1,000 items or replace what is known of them, each as PUT does; those that cannot be kept are
        listed, the others are stored before the answer.
        """
        items = body_of(request).get("items")
        if not isinstance(items, list):
            raise ItemsMissing
        if len(items) > MAX_ITEMS:
            raise TooManyItems(
                f"{len(items):,} items are too many for one request; send up to {MAX_ITEMS:,}."
            )
        good: dict[str, Description] = {}
        rejected = []
        for index, item in enumerate(items):
            code, detail = self._take(item, good)
            if code:
                rejected.append({"index": index, "code": code, "detail": detail})
        num_new = curating.put_items(descriptions=list(good.values()), now=timezone.now())
        return json_response(
            {"created": num_new, "replaced": len(good) - num_new, "rejected": rejected}
        )

    def _take(self, item: Any, good: dict[str, Description]) -> tuple[str, str]:
        """Put an item with the good ones, or return a code and in words why it cannot be kept."""
        if not isinstance(item, dict):
            return "not_an_object", "An item is an object with item_id, title, ..."
        given = self.Input.Item(data=item)
        if not given.is_valid():
            return _first_error(given.errors)
        one = Description(**given.validated_data)
        if one.item_id in good:
            return "item_repeated", "This item stands before in what was sent; that one was taken."
        good[one.item_id] = one
        return "", ""


def _first_error(errors: Any) -> tuple[str, str]:
    """Return code and words of the first of a serializer's errors: title_required."""
    path, found = [], errors
    while not isinstance(found, exceptions.ErrorDetail):
        name, found = next(iter(found.items() if isinstance(found, dict) else enumerate(found)))
        if isinstance(name, str):
            path.append(name)
    return f"{path[0]}_{found.code}", f"{'.'.join(path)}: {found}"


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
