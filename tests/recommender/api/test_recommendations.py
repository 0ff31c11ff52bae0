"""What a client gets for a person: one read, nothing hidden, popular items for strangers."""

from urllib.parse import quote

import pytest
from django.core.signing import Signer
from django.test import Client

from recommender.models import Placement
from recommender.ranking.answer_ids import AnswerId
from recommender.services import keeping
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
AT = "2026-03-04T12:00:00+00:00"


@pytest.fixture
def shop():
    """Ada has a slate of five items, drama and comedy in turn."""
    drama, comedy = factories.category("Drama"), factories.category("Comedy")
    items = [factories.item(f"i{n}", categories=(comedy,) if n % 2 else (drama,)) for n in range(5)]
    ada = factories.end_user("ada")
    run = factories.publication()
    factories.slate(run, ada, items)
    return run, items


def ask(path, **query):
    headers = {"Authorization": f"Bearer {factories.api_key('recommendations:read')}"}
    return Client().get(f"/api/v1/users/{path}/recommendations", query, headers=headers)


def ids_of(response):
    return [entry["item_id"] for entry in response.json()["items"]]


def test_answer_holds_the_slate_and_where_it_comes_from(shop):
    run, _ = shop

    answer = ask("ada", n=2).json()

    said = Signer(salt="recommendation").unsign(answer.pop("recommendation_id"))
    assert AnswerId.from_text(said).run == run.pk
    assert answer == {
        "user_id": "ada",
        "placement": "default",
        "items": [
            {"item_id": "i0", "rank": 1, "score": 1.5},
            {"item_id": "i1", "rank": 2, "score": 1},
        ],
        "run": run.pk,
        "generated_at": AT,
        "events_through": AT,
        "fallback": False,
        "next": None,
    }


def test_offset_goes_on_where_the_page_before_ended(shop):
    first, second, beyond = ask("ada", n=3), ask("ada", n=3, offset=3), ask("ada", offset=9)

    assert (ids_of(first), ids_of(second), ids_of(beyond)) == (["i0", "i1", "i2"], ["i3", "i4"], [])
    assert [entry["rank"] for entry in second.json()["items"]] == [4, 5]
    assert beyond.json()["fallback"] is False


def test_hidden_items_are_left_out_at_once_and_others_move_up(shop):
    _, items = shop
    type(items[1]).objects.filter(pk=items[1].pk).update(is_hidden=True)

    assert ids_of(ask("ada", n=3)) == ["i0", "i2", "i3"]


def test_category_and_excluded_items_filter_the_slate(shop):
    assert ids_of(ask("ada", category="Drama")) == ["i0", "i2", "i4"]
    assert ids_of(ask("ada", category="Drama", exclude=["i2", "unknown"])) == ["i0", "i4"]
    assert ids_of(ask("ada", category="No such")) == []


def test_slate_of_another_publication_is_not_shown(shop):
    run, items = shop
    other = factories.publication(training_run=run.training_run, is_serving=False)
    bob = factories.end_user("bob")
    factories.slate(other, bob, items)

    assert ask("bob").json()["fallback"] is True


def test_stranger_gets_popular_items(shop):
    _, items = shop
    factories.popular(items[:2], window="all")
    factories.popular(items[2:4], window="30d")
    drama = items[0].categories.get()
    factories.popular(items[4:], category_id=drama.pk)

    answer = ask("nobody").json()

    del answer["recommendation_id"]
    assert answer == {
        "user_id": "nobody",
        "placement": "default",
        "items": [
            {"item_id": "i2", "rank": 1, "score": 2},
            {"item_id": "i3", "rank": 2, "score": 1},
            {"item_id": "i0", "rank": 3, "score": 2},
            {"item_id": "i1", "rank": 4, "score": 1},
            {"item_id": "i4", "rank": 5, "score": 0},
        ],
        "run": None,
        "generated_at": AT,
        "events_through": None,
        "fallback": True,
        "next": None,
    }
    assert ids_of(ask("nobody", category="Drama")) == ["i4", "i2", "i0"]
    assert ids_of(ask("nobody", category="No such")) == []


def test_before_anything_is_counted_a_stranger_gets_an_empty_list():
    answer = ask("nobody").json()

    assert (answer["items"], answer["fallback"], answer["generated_at"]) == ([], True, None)


@pytest.mark.parametrize(
    "user_id",
    [
        "a/b",
        "a b",
        "🦉",
        "x" * 500,
        "a/recommendations",
        "50%",
        "a?b&c=d#e",
        "line\nbreak",
        '"q"\\',
        "…/é",
    ],
)
def test_any_id_finds_its_person(user_id):
    thing = factories.item("i")
    factories.slate(factories.publication(), factories.end_user(user_id), [thing])

    answer = ask(quote(user_id, safe="")).json()

    assert (answer["user_id"], answer["fallback"], ids_of(ask(quote(user_id, safe="")))) == (
        user_id, False, ["i"],
    )  # fmt: skip


@pytest.mark.parametrize("item_id", ['a"b\\c', "🦉/x", "tab\tnew\nline", "</script>"])
def test_any_item_id_comes_out_as_it_went_in(item_id):
    ada = factories.end_user("ada")
    factories.slate(factories.publication(), ada, [factories.item(item_id)])

    assert ids_of(ask("ada")) == [item_id]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"n": "-1"}, 'n must be a whole number from 1 to 200, not "-1".'),
        ({"n": "0"}, 'n must be a whole number from 1 to 200, not "0".'),
        ({"n": "1000000"}, 'n must be a whole number from 1 to 200, not "1000000".'),
        ({"n": "9" * 5000}, f'n must be a whole number from 1 to 200, not "{"9" * 50}".'),
        ({"n": "ten"}, 'n must be a whole number from 1 to 200, not "ten".'),
        ({"n": ""}, 'n must be a whole number from 1 to 200, not "".'),
        ({"n": "٣"}, 'n must be a whole number from 1 to 200, not "٣".'),
        ({"n": "--5"}, 'n must be a whole number from 1 to 200, not "--5".'),
        ({"offset": "-1"}, 'offset must be a whole number from 0 to 10000, not "-1".'),
        ({"category": "a\0"}, "category holds a character that cannot be stored (NUL or half a pair)."),
        ({"category": "x" * 513}, "category may have 512 characters at most, not 513."),
        ({"exclude": ["x"] * 501}, "exclude may be given 500 times at most, not 501 times."),
    ],
)  # fmt: skip
def test_bad_parameter_is_told_what_would_be_right(query, detail):
    response = ask("ada", **query)

    problem = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert (problem["status"], problem["code"], problem["detail"]) == (
        400, "invalid_parameter", detail,
    )  # fmt: skip


def test_id_that_no_database_can_hold_is_refused():
    assert ask("a%00b").json()["code"] == "invalid_parameter"
    assert ask("x" * 513).json()["detail"] == "user_id may have 512 characters at most, not 513."


@pytest.mark.parametrize("num_items", [1, 3])
def test_a_slate_is_one_statement_however_long(num_items, django_assert_num_queries):
    key = factories.api_key("recommendations:read", last_used_at=NOW)
    items = [factories.item() for _ in range(num_items)]
    factories.slate(factories.publication(), factories.end_user("ada"), items)
    client, headers = Client(), {"Authorization": f"Bearer {key}"}
    address = f"/api/v1/users/ada/recommendations?n={num_items}"
    client.get(address, headers=headers)  # the key is known for two seconds, the shelf is there
    keeping.keeper.looks_itself = False  # a thread looks, as it does on a site

    with django_assert_num_queries(1):
        answer = client.get(address, headers=headers)

    assert len(answer.json()["items"]) == num_items


def test_explain_says_what_placed_each_item_and_why(shop):
    _, items = shop
    factories.popular(items[:1], window="30d")

    answer = ask("ada", n=1, explain="true").json()
    stranger = ask("nobody", n=1, explain="true").json()

    assert sorted(answer["items"][0]) == ["evidence", "item_id", "rank", "reason", "score"]
    reason = stranger["items"][0]["reason"]
    assert (reason["rule"], reason["text"]) == (
        "fallback:popular_30d", "Popular in the last 30 days.",
    )  # fmt: skip


def test_unknown_placement_is_a_problem_that_names_those_there_are():
    Placement.objects.create(name="home", created_at=NOW)

    problem = ask("ada", placement="nowhere").json()

    assert (problem["status"], problem["code"], problem["detail"]) == (
        404, "placement_unknown",
        'There is no placement "nowhere". There are: default, home.',
    )  # fmt: skip
