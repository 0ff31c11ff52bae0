"""All items of a category, ranked for one person."""

from __future__ import annotations

import structlog
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from redis.exceptions import RedisError
from rest_framework import exceptions, serializers
from rest_framework.request import Request

from interests.models import Category, EndUser, Item
from interests.selectors import people
from recommender import tasks
from recommender.models import Serving
from recommender.services import ranked_categories
from recommender.services.asking import Question, State
from recommender.services.ranked_categories import RankedCategory
from recsite.access import pagination, parameters
from recsite.access.endpoints import Endpoint, json_response
from recsite.access.models import Scope

DEFAULT_N = 50
MAX_N = 200

log = structlog.get_logger()


class CategoryNotFound(exceptions.NotFound):
    """No item has this category."""

    default_code = "category_not_found"
    default_detail = "There is no such category. GET /items/ITEM names the categories of an item."


class ListGone(exceptions.APIException):
    """The list that a cursor goes on with is no longer kept."""

    status_code = 410
    default_code = "list_gone"
    default_detail = "This list was kept for ten minutes. Ask again without cursor for a new one."


class RankedItems(Endpoint):
    """A whole category in the order in which one person is likely to want its items."""

    scopes = {"GET": Scope.READ_RECOMMENDATIONS}

    class Output(serializers.Serializer[dict[str, object]]):
        class Item(serializers.Serializer[dict[str, object]]):
            item_id = serializers.CharField()
            rank = serializers.IntegerField(help_text="In the whole list, from 1.")
            score = serializers.FloatField(
                allow_null=True, help_text="Null: no network has scored the item."
            )

        user_id = serializers.CharField()
        category = serializers.CharField()
        items = Item(many=True)
        num_items = serializers.IntegerField(help_text="Of the category, hidden ones left out.")
        source = serializers.ChoiceField(  # type: ignore[assignment]  # the name is the API's
            choices=["network", "stored"],
            help_text="stored: no live worker answered in time, or the person is not known; the slate's "
            "items come first, then what is chosen most.",
        )
        run = serializers.IntegerField(allow_null=True, help_text="The publication that answers.")
        generated_at = serializers.DateTimeField()
        next = serializers.CharField(allow_null=True, help_text="The next page's cursor.")

    @extend_schema(
        operation_id="ranked_items",
        parameters=[
            OpenApiParameter("category", str, required=True, description="Its name."),
            OpenApiParameter("n", int, description=f"Items a page, 1 to {MAX_N}."),
            OpenApiParameter("cursor", str, description='What "next" of the page before said.'),
        ],
        responses={200: Output},
        tags=["recommendations"],
    )
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """Return a page of the category's items; its pages are of one list, kept for ten minutes.

        Items that the person has used are in it, hidden ones are not. At most 2,000 are ranked.
        """
        name = parameters.text(request.GET, "category")
        n = parameters.integer(request.GET, "n", default=DEFAULT_N, low=1, high=MAX_N)
        position = pagination.decode(parameters.text(request.GET, "cursor"), str, int)
        category = Category.objects.filter(name=name).first()
        if category is None:
            raise CategoryNotFound
        of, person = f"{category.pk}:{user_id}", people.find(user_id)
        if position is None:
            ranked, begin = _new(person, category, of), 0
        else:
            key, begin = position
            ranked = _kept(key, of, person)
        page = ranked.items[begin : begin + n]
        hidden = set(
            Item.objects.filter(
                item_id__in=[item_id for item_id, _ in page], is_hidden=True
            ).values_list("item_id", flat=True)
        )
        goes_on = begin + n < len(ranked.items) and ranked.key
        return json_response(
            {
                "user_id": user_id,
                "category": name,
                "items": [
                    {"item_id": item_id, "rank": rank, "score": score}
                    for rank, (item_id, score) in enumerate(page, start=begin + 1)
                    if item_id not in hidden
                ],
                "num_items": ranked.num_items,
                "source": ranked.source,
                "run": ranked.run,
                "generated_at": ranked.generated_at.isoformat(),
                "next": pagination.encode(ranked.key, begin + n) if goes_on else None,
            }
        )


def _new(person: EndUser | None, category: Category, of: str) -> RankedCategory:
    now = timezone.now()
    run = Serving.objects.values_list("publication_id", flat=True).first()
    ranked = None
    if person is not None and run is not None and person.num_events:
        asked = tasks.ask_soon(
            Question.CATEGORY_FOR,
            depends_on=[run, person.current_state_id],
            end_user_id=person.pk,
            category_id=category.pk,
        )
        if asked.state == State.ANSWERED:
            ranked = ranked_categories.of_worker(asked, now=now)
    if ranked is None:
        ranked = ranked_categories.stored(
            end_user_id=person.pk if person else None, category_id=category.pk, run=run, now=now
        )
    return ranked_categories.with_key(ranked, of=of, end_user_id=person.pk if person else None)


def _kept(key: str, of: str, person: EndUser | None) -> RankedCategory:
    try:
        ranked = ranked_categories.kept(key, of=of, end_user_id=person.pk if person else None)
    except (RedisError, OSError) as error:
        log.warning("list_not_looked_for", error=str(error))
        ranked = None
    if ranked is None:
        raise ListGone
    return ranked
