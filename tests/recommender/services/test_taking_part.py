from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.core.signing import Signer
from django.test import Client

from interests.models import Item
from recommender.evaluation.interleaving import team_of
from recommender.ranking.answer_ids import AnswerId
from recommender.services import answer_counts, experimenting, planning
from recommender.services.checking_experiments import Arm
from tests import factories
from tests.factories import NOW
from tests.recommender import experiments
from tests.recommender.experiments import started, variants

pytestmark = pytest.mark.django_db
PEOPLE = [f"user {n}" for n in range(60)]


@pytest.fixture
def things() -> list[Item]:
    """Items, the second half of which is popular and the first half in the slates of some people."""
    things = [factories.item(f"i{n}") for n in range(20)]
    publication = factories.publication()
    for name in PEOPLE:
        factories.slate(publication, factories.end_user(name), things[:10])
    factories.popular(things[10:])
    return things


def plans() -> list[planning.Plan]:
    return [planning.plan("home", person, NOW) for person in PEOPLE]


def get(client: Client, person: str) -> tuple[AnswerId, list[str]]:
    key = factories.api_key()
    answer = client.get(
        f"/api/v1/users/{person}/recommendations?placement=home&n=6",
        headers={"Authorization": f"Bearer {key}"},
    ).json()
    text = Signer(salt="recommendation").unsign(answer["recommendation_id"])
    return AnswerId.from_text(text), [one["item_id"] for one in answer["items"]]


def test_each_person_is_answered_by_the_rules_of_their_variant() -> None:
    rules = experiments.version(length=3)
    made = started(Arm("A"), Arm("B", version=rules))
    a, b = variants(made)

    found = plans()

    assert {(plan.variants, plan.version_id, plan.rules.length) for plan in found} == {
        ((a.pk,), 0, 10), ((b.pk,), rules.pk, 3),
    }  # fmt: skip
    assert found == plans()


def test_nobody_takes_part_before_the_start_or_after_the_end() -> None:
    draft = experiments.draft()
    before = plans()
    experimenting.start(experiment_id=draft.pk, by=None, now=NOW)
    during = plans()
    experimenting.stop(experiment_id=draft.pk, reason="", by=None, now=NOW)

    assert {plan.variants for plan in before + plans()} == {()}
    assert {plan.source for plan in during} == {"slate", "popular_30d"}


def test_experiments_of_two_layers_have_both_a_say() -> None:
    rules = experiments.version(length=3)
    first = variants(started(layer="one"))
    second = variants(started(Arm("A"), Arm("B", version=rules), layer="two"))

    found = {plan.variants for plan in plans()}

    assert found == {(one.pk, other.pk) for one in first for other in second}


def test_who_is_held_out_is_in_no_experiment(settings: LazySettings) -> None:
    started()
    settings.EXPERIMENT_HOLDOUT = 0.5

    found = plans()

    assert 10 < sum(plan.variants == () for plan in found) < 50
    settings.EXPERIMENT_HOLDOUT = 1.0
    assert {plan.variants for plan in plans()} == {()}


def test_other_placements_are_not_touched() -> None:
    started()
    experiments.placement("checkout")

    assert planning.plan("checkout", "user 1", NOW).variants == ()


def test_a_variant_with_another_source_shows_what_everybody_gets(
    client: Client, things: list[Item]
) -> None:
    a, b = variants(started())

    for person in PEOPLE[:8]:
        said, items = get(client, person)
        own = {(a.pk,): things[:6], (b.pk,): things[10:16]}[said.variants]
        assert items == [thing.item_id for thing in own]


def test_an_interleaved_answer_says_which_list_gave_each_item(
    client: Client, things: list[Item]
) -> None:
    a, b = variants(started(Arm("A"), Arm("B", source="popular_30d"), kind="interleave"))

    for person in PEOPLE[:8]:
        said, items = get(client, person)
        keys = Item.objects.in_bulk(items, field_name="item_id")
        teams = [team_of(said.teams, keys[item].pk) for item in items]
        assert (said.source, said.variants) == ("i", (a.pk, b.pk))
        assert teams == [int(int(item[1:]) >= 10) for item in items]
        assert sum(teams) == 3


def test_answers_are_counted_by_variant_and_reach_redis(client: Client, things: list[Item]) -> None:
    a, b = variants(started())
    for person in PEOPLE[:8]:
        get(client, person)
        get(client, person)

    answer_counts.flush()
    counts = answer_counts.read([a.pk, b.pk])

    assert sum(one.answers for one in counts.values()) == 16
    assert sum(one.people for one in counts.values()) == 8
    # One variant shows the first six of the slates, the other the six that are most popular.
    assert {one.items for one in counts.values() if one.answers} == {6}
    assert [one.empty_people for one in counts.values()] == [0, 0]
    assert all(0 < one.mean_ms < 1_000 for one in counts.values() if one.mean_ms is not None)
