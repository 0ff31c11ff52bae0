"""What answers say of why an item is there, and in which language."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from recommender.ranking import messages
from recommender.selectors import reasons
from recommender.services.recommending import Answer
from recsite.access import parameters

PARAMETERS = [
    OpenApiParameter(
        "language",
        str,
        description="Of the reasons: en or zh-Hans; without it what `Accept-Language` asks for, else English.",
    ),
]


class Reason(serializers.Serializer[dict[str, object]]):
    """Why an item is there."""

    kind = serializers.ChoiceField(
        [
            "history", "interest", "popular", "trending", "catalogue",
            "pin", "boost", "own_boost", "novelty", "exploration", "seen", "session",
        ],
        help_text="What the text goes by.",
    )  # fmt: skip
    category = serializers.CharField(
        allow_null=True, help_text="The interest that the item serves: the one wanted most."
    )
    weight = serializers.FloatField(
        allow_null=True,
        help_text="Of that interest now: the probability that the next event falls into it.",
    )
    rule = serializers.CharField(
        allow_null=True,
        help_text="What placed the item where it is; null: its score under the person's network.",
    )
    together = serializers.IntegerField(
        allow_null=True,
        help_text="How many events of that interest lift the item only together, because any of them would do "
        "for the others; the evidence is the newest of them. Null: each counts by itself.",
    )
    text = serializers.CharField(help_text="One or two sentences for the person.")


class Evidence(serializers.Serializer[dict[str, object]]):
    """An event of the person that lifts an item."""

    item_id = serializers.CharField(help_text="What the event was about.")
    kind = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    gain = serializers.FloatField(
        help_text="The item's score less its score had the event not happened, in log-odds; of events that lift "
        "it only together an equal part."
    )


def told(request: HttpRequest, answer: Answer) -> list[dict[str, Any]]:
    """Return `reason` and `evidence` of each item of an answer, in the language that the request wants."""
    wanted = parameters.text(request.GET, "language")
    language = messages.language_of(wanted or request.headers.get("Accept-Language", ""))
    found = reasons.reasons_of(answer.items, end_user=answer.end_user, stored=answer.reasons)
    return [own.to_plain(language=language) for own in found]
