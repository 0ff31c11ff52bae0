"""Whatever a placement says, what the API answers keeps to it: any rules, real rows, every page."""

import itertools
from datetime import timedelta

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interests.models import ChangeMark, Controls, EventKind, Item
from recommender.models import Placement, PlacementVersion, Slate
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
NUM = 30
_names = (f"placement-{number}" for number in itertools.count(1))


@pytest.fixture
def shop():
    """Return Ada, who has used five items, whose slate has ten others, and who mutes crime."""
    drama, comedy, crime = (factories.category(name) for name in ("Drama", "Comedy", "Crime"))
    sets = [(drama,), (comedy,), (drama, comedy), (crime,), ()]
    items = [
        factories.item(f"i{n}", categories=sets[n % 5], attributes={"price": n}) for n in range(NUM)
    ]
    Item.objects.filter(item_id__in=["i3", "i12"]).update(is_hidden=True)
    ada = factories.end_user("ada")
    EventKind.objects.update_or_create(name="dislike", defaults={"weight": -1.0})
    used = [
        (0, "view", 1),
        (1, "view", 100),
        (2, "dislike", 100),
        (15, "view", 40),
        (20, "view", 5),
    ]
    for n, kind, days in used:
        factories.event(ada, items[n], kind=kind, occurred_at=NOW - timedelta(days=days))
    seen = [items[n] for n, _, _ in used]
    factories.slate(
        factories.publication(), ada, items[3:13],
        seen_items=[one.pk for one in seen], seen_item_ids=[one.item_id for one in seen],
        seen_scores=[1.2 - n / 3 for n in range(5)],
        seen_at=[NOW - timedelta(days=days) for _, _, days in used],
    )  # fmt: skip
    factories.popular(items[10:25], window="30d")
    factories.popular(items[:5], window="trending")
    Controls.objects.create(end_user=ada, muted_category_ids=[crime.pk], updated_at=NOW)
    return ada, items


def place(rules, name=""):
    """Put rules live in a placement and return its name."""
    made, _ = Placement.objects.get_or_create(
        name=name or next(_names), defaults={"created_at": NOW}
    )
    made.live_version = PlacementVersion.objects.create(
        placement=made, number=made.versions.count() + 1, rules=rules, created_at=NOW
    )
    made.save(update_fields=["live_version"])
    return made.name


def asker(user_id="ada"):
    headers = {"Authorization": f"Bearer {factories.api_key('recommendations:read')}"}
    client = Client()

    def ask(**query):
        answer = client.get(f"/api/v1/users/{user_id}/recommendations", query, headers=headers)
        return answer.json()

    return ask


def ids(answer):
    return [one["item_id"] for one in answer["items"]]


NAMES = st.sampled_from(["Drama", "Comedy", "Crime"])
ITEM_IDS = st.sampled_from([f"i{n}" for n in range(NUM)])
WHERE = {
    "": lambda item: True,
    "price < 20": lambda item: item.attributes["price"] < 20,
    'not category = "Comedy" or price in (1, 6)': lambda item: (
        "Comedy" not in names_of(item) or item.attributes["price"] in (1, 6)
    ),
}
RULES = st.fixed_dictionaries(
    {},
    optional={
        "where": st.sampled_from(list(WHERE)),
        "categories_in": st.lists(NAMES, unique=True, max_size=2),
        "categories_out": st.lists(NAMES, unique=True, max_size=1),
        "max_per_category": st.integers(1, 4),
        "seen": st.sampled_from(["never", "after_days", "always"]),
        "seen_days": st.sampled_from([3, 30, 60]),
        "hides_negative": st.booleans(),
        "boosts": st.just([{"factor": 5.0, "category": "Comedy"}, {"factor": 0.1, "where": "price > 8"}]),
        "diversity": st.sampled_from([0.3, 1.0]),
        "calibration": st.sampled_from([0.3, 1.0]),
        "novelty": st.sampled_from([0.3, 1.0]),
        "exploration": st.sampled_from([0.3, 1.0]),
        "fallbacks": st.lists(st.sampled_from(["trending", "popular_30d", "catalogue"]), unique=True),
        "pins": st.lists(ITEM_IDS, unique=True, max_size=2).map(
            lambda found: [{"item_id": one, "rank": 2 + 3 * at} for at, one in enumerate(found)]
        ),
    },
)  # fmt: skip


def names_of(item):
    return {own.name for own in item.categories.all()}


def unwanted(rules):
    """Return the ids of what Ada has used and is not shown again; worked out by hand from the fixture."""
    days = {"i0": 1, "i1": 100, "i2": 100, "i15": 40, "i20": 5}
    match rules.get("seen", "never"):
        case "never":
            found = set(days)
        case "always":
            found = set()
        case _:
            found = {one for one, ago in days.items() if ago < rules.get("seen_days", 30)}
    return found | {"i2"} if rules.get("hides_negative", True) else found


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rules=RULES,
    n=st.integers(2, 9),
    exclude=st.lists(ITEM_IDS, max_size=3),
    category=st.sampled_from(["", "", "Drama"]),
)
def test_no_answer_breaks_a_rule_and_pages_neither_repeat_nor_skip(
    shop, rules, n, exclude, category
):
    # The fixture's times are long ago for the clock of the site, which is what `seen_days` count from.
    if "seen_days" in rules:
        rules["seen_days"] = min(rules["seen_days"] + ago(), 3_650)
    name, ask = place(rules), asker()
    known = {item.item_id: item for item in Item.objects.prefetch_related("categories")}
    plain_seen = {**rules, "seen_days": rules.get("seen_days", 30) - ago()}

    by_offset, offset = [], 0
    query = {"placement": name, "n": n, "exclude": exclude, "category": category, "explain": "true"}
    while (page := ask(**query, offset=offset))["items"] and offset < 60:
        by_offset.append(page["items"])
        offset += n
    by_cursor, answer = [], ask(**query, cursor="")
    while answer["items"]:
        by_cursor.append(answer["items"])
        if not answer["next"]:
            break
        answer = ask(**query, cursor=answer["next"])

    shown = [one for page in by_cursor for one in page]
    assert len({one["item_id"] for one in shown}) == len(shown)
    assert [
        [(one["item_id"], one["rank"]) for one in page] for page in by_cursor[: len(by_offset)]
    ] == [[(one["item_id"], one["rank"]) for one in page] for page in by_offset]
    pins = {pin["item_id"]: pin["rank"] for pin in rules.get("pins", [])}
    for one in shown:
        item = known[one["item_id"]]
        names = names_of(item)
        assert not item.is_hidden
        assert item.item_id not in exclude
        assert "Crime" not in names
        assert WHERE[rules.get("where", "")](item)
        assert not category or category in names
        if item.item_id not in pins:
            assert not rules.get("categories_in") or names & set(rules["categories_in"])
            assert not names & set(rules.get("categories_out", ()))
            assert item.item_id not in unwanted(plain_seen)
    for page in by_cursor:
        free = [
            name
            for one in page
            if one["item_id"] not in pins
            for name in names_of(known[one["item_id"]])
        ]
        most = rules.get("max_per_category", NUM)
        assert all(free.count(name) <= most for name in free)
    for item_id, rank in pins.items():
        at = [one["rank"] for one in shown if one["item_id"] == item_id]
        page = by_cursor[(rank - 1) // n] if (rank - 1) // n < len(by_cursor) else []
        if at and any(one["rank"] > rank and one["item_id"] not in pins for one in page):
            assert at == [rank]


def ago():
    """Return how many days lie between the fixture's time and now."""
    from django.utils import timezone

    return (timezone.now() - NOW).days


def test_a_full_page_comes_back_while_the_catalogue_has_enough(shop):
    name = place({"where": "price >= 10"})

    answer = asker()(placement=name, n=14, explain="true")

    # Of 20 items from i10 on: i12 is hidden, i13, i18, i23, i28 are crime, i15 and i20 are used.
    assert sorted(ids(answer)) == sorted(
        ["i10", "i11", "i14", "i16", "i17", "i19", "i21", "i22", "i24", "i25", "i26", "i27", "i29"]
    )
    assert [one["rank"] for one in answer["items"]] == list(range(1, 14))


def test_events_between_pages_neither_repeat_nor_skip(shop):
    ada, items = shop
    ask = asker()
    first = ask(n=4, cursor="")
    # A click on i9, then a new slate with everything in another order.
    factories.event(ada, items[9])
    slate = Slate.objects.get(end_user=ada)
    slate.items, slate.item_ids = slate.items[::-1], slate.item_ids[::-1]
    slate.save()

    second = ask(n=4, cursor=first["next"])

    # i3, i8 (crime, hidden) and i12 never show; i9 was used meanwhile.
    assert (ids(first), ids(second)) == (["i4", "i5", "i6", "i7"], ["i10", "i11", "i14", "i16"])
    assert [one["rank"] for one in second["items"]] == [5, 6, 7, 8]


def test_a_cursor_serves_only_who_got_it(shop):
    given_to_ada = asker()(n=4, cursor="")["next"]

    for answer in (
        asker("bob")(cursor=given_to_ada),
        asker()(cursor=given_to_ada, placement=place({})),
        asker()(cursor="x" + given_to_ada),
        asker()(cursor="x"),
    ):
        assert (answer["status"], answer["code"]) == (400, "invalid_cursor")


def opted_out(ada):
    Controls.objects.filter(end_user=ada).update(is_opted_out=True)


def forgotten(ada):
    Controls.objects.filter(end_user=ada).update(forget_before=NOW)


def erased(ada):
    ada.delete()


@pytest.mark.parametrize("wish", [opted_out, forgotten, erased])
def test_a_personal_list_goes_on_no_longer_than_the_person_wants_it(shop, wish):
    ask = asker()
    given_before = ask(n=4, cursor="")["next"]
    wish(shop[0])

    answer = ask(n=4, cursor=given_before)

    assert (answer["status"], answer["code"]) == (400, "invalid_cursor")


def test_a_list_of_nobody_in_particular_goes_on_when_its_reader_becomes_known(shop):
    ask = asker("bob")
    first = ask(n=4, cursor="")
    factories.end_user("bob")

    second = ask(n=4, cursor=first["next"])

    assert first["fallback"] is True
    assert [one["rank"] for one in second["items"]] == [5, 6, 7, 8]
    assert not set(ids(first)) & set(ids(second))


def test_items_used_since_the_slate_was_made_are_not_shown_again(shop):
    ada, items = shop
    factories.event(ada, items[4])
    ChangeMark.objects.create(end_user=ada, marked_at=NOW)

    assert ids(asker()(n=3)) == ["i5", "i6", "i7"]


def test_who_opted_out_gets_what_everybody_gets_but_nothing_muted(shop):
    ada, _ = shop
    Controls.objects.filter(end_user=ada).update(is_opted_out=True)

    answer = asker()(n=5)

    assert (answer["fallback"], answer["run"]) == (True, None)
    assert ids(answer) == ["i10", "i11", "i14", "i15", "i16"]
    assert ids(asker("nobody")(n=5)) == ["i10", "i11", "i13", "i14", "i15"]


def test_what_is_hidden_stays_out_at_once_also_of_fallbacks(shop):
    Item.objects.filter(item_id="i10").update(is_hidden=True)

    assert ids(asker("nobody")(n=2)) == ["i11", "i13"]


def test_rules_of_a_new_version_answer_at_once(shop):
    name = place({"where": 'category = "Comedy"'}, "home")
    assert ids(asker()(placement=name, n=3)) == ["i6", "i7", "i11"]

    place({"where": 'category = "Drama"', "length": 2}, "home")

    assert ids(asker()(placement=name)) == ["i5", "i7"]


def test_many_end_users_get_what_each_would_get_alone(shop):
    key = factories.api_key("recommendations:read")
    headers = {"Authorization": f"Bearer {key}"}

    answer = Client().post(
        "/api/v1/recommendations", {"user_ids": ["nobody", "ada", "ada"], "n": 3},
        content_type="application/json", headers=headers,
    ).json()  # fmt: skip

    alone = [asker(one)(n=3) for one in ("nobody", "ada", "ada")]
    for one in (*answer["recommendations"], *alone):
        del one["recommendation_id"]
    assert answer["recommendations"] == alone


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"user_ids": []}, "user_ids"),
        ({"user_ids": ["x"] * 101}, "user_ids"),
        ({"user_ids": ["ada"], "n": 0}, "n"),
    ],
)
def test_a_bad_batch_is_told_what_would_be_right(body, field):
    headers = {"Authorization": f"Bearer {factories.api_key('recommendations:read')}"}

    problem = Client().post(
        "/api/v1/recommendations", body, content_type="application/json", headers=headers
    ).json()  # fmt: skip

    assert (problem["code"], problem["errors"][0]["field"]) == ("invalid_body", field)
