"""Why items are there, as clients read it."""

import pytest
from django.test import Client

from interests.models import EndUser, InterestState
from recommender.ranking.reasons import Evidence, StoredReason
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
IN_ENGLISH = "Because you liked “Title of done” in Drama, which makes up 62 % of what you want now."
IN_CHINESE = "因为您喜欢“Drama”中的《Title of done》，这类内容占您当前兴趣的 62%。"


@pytest.fixture
def ada() -> EndUser:
    """Ada has a slate of two items, of which the first is explained."""
    drama = factories.category("Drama")
    done, first, second = (
        factories.item(name, categories=(drama,)) for name in ("done", "i0", "i1")
    )
    ada = factories.end_user("ada")
    event = factories.event(ada, done, kind="like")
    state = InterestState.objects.create(
        end_user=ada, tracker_version="t", at=NOW, category_ids=[drama.pk, 0], weights=[0.62, 0.38],
        long_term=[1, 0], short_term=[1, 0], event_shares=[1, 0], num_events=1, active_days=1,
        events_through=NOW, created_at=NOW,
    )  # fmt: skip
    EndUser.objects.filter(pk=ada.pk).update(current_state=state)
    why = StoredReason(first.pk, drama.pk, 0.62, (Evidence(event.pk, done.pk, 0.75),))
    factories.slate(factories.publication(), ada, [first, second], reasons=[why.to_plain()])
    return ada


def ask(user_id: str = "ada", accepts: str = "", **query: str) -> list[dict[str, object]]:
    key = factories.api_key("recommendations:read")
    headers = {"Authorization": f"Bearer {key}", "Accept-Language": accepts}
    path = f"/api/v1/users/{user_id}/recommendations"
    return Client().get(path, query, headers=headers).json()["items"]


def test_each_item_says_why_it_is_there_where_that_is_asked(ada):
    first, second = ask(explain="true")

    assert first == {
        "item_id": "i0", "rank": 1, "score": 1.5,
        "reason": {
            "kind": "history", "category": "Drama", "weight": 0.62, "rule": None,
            "together": None, "text": IN_ENGLISH,
        },
        "evidence": [
            {"item_id": "done", "kind": "like", "occurred_at": NOW.isoformat(), "gain": 0.75}
        ],
    }  # fmt: skip
    assert (second["reason"]["kind"], second["evidence"]) == ("interest", [])


def test_nothing_is_said_where_nobody_asked(ada):
    assert [sorted(item) for item in ask()] == [["item_id", "rank", "score"]] * 2


@pytest.mark.parametrize(
    ("header", "query", "text"),
    [
        ("zh-CN,zh;q=0.9", {}, IN_CHINESE),
        ("de", {}, IN_ENGLISH),
        ("", {"language": "zh-Hans"}, IN_CHINESE),
        ("zh-CN", {"language": "en"}, IN_ENGLISH),
    ],
)
def test_the_language_is_that_of_the_request(ada, header, query, text):
    assert ask(accepts=header, explain="true", **query)[0]["reason"]["text"] == text


def test_a_stranger_is_told_what_everybody_gets(ada):
    factories.popular([factories.item("hit")], window="30d")

    (item,) = ask("stranger", explain="true", n="1")

    assert (item["item_id"], item["evidence"]) == ("hit", [])
    assert item["reason"] == {
        "kind": "popular", "category": None, "weight": None, "rule": "fallback:popular_30d",
        "together": None, "text": "Popular in the last 30 days.",
    }  # fmt: skip
