"""Publications ranked by another algorithm than the network of their training."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from interests.models import ChangeMark, EndUser, Item, RunState
from interests.selectors import attributes, events
from interests.services import running
from interests.services.running import CannotRun
from recommender import algorithms
from recommender.algorithms.carried import Carried
from recommender.models import EvaluationRun, PublicationRun, Slate
from recommender.services import algorithm_files, published, publishing, refreshing, switching
from tests import factories
from tests.factories import NOW
from tests.recommender.logs import drawn_log

pytestmark = pytest.mark.django_db


def publish(training, **fields):
    run = running.request(PublicationRun, now=timezone.now(), training_run=training, **fields)
    publishing.publish(run_id=run.pk)
    run.refresh_from_db()
    return run


def expected_of(name, user_id, **changes):
    """Return what an algorithm ranks for somebody when fitted on all events there are."""
    known = events.interaction_log(with_attributes=True)
    algorithm = algorithms.make(name)
    settings = published.with_changes(algorithm, changes)
    fitted = algorithm.fit(known.log, settings=settings, seed=0)
    user = known.log.user_ids.tolist().index(user_id)
    scores = fitted.scores(known.log, users=np.array([user], np.int32))[0]
    seen = known.log.items[slice(*known.log.offsets[user : user + 2])]
    scores[seen] = -np.inf
    best = np.argsort(-scores, kind="stable")[: int(np.isfinite(scores).sum())]
    return known.log.catalogue.item_ids[best].tolist(), scores[best]


@pytest.mark.parametrize("name", ["ease", "item_knn"])
def test_slates_are_those_of_the_algorithm_fitted_on_all_events(training, name):
    run = publish(training, algorithm=name)

    slate = Slate.objects.get(publication=run, end_user__user_id="user 3")
    items, scores = expected_of(name, "user 3")
    assert slate.item_ids == items
    np.testing.assert_allclose(slate.scores, scores, atol=1e-6)
    assert (run.state, run.algorithm, run.results["switched"]) == (RunState.DONE, name, True)
    assert len(run.results["algorithm_sha256"]) == 64


def test_settings_may_be_given(training):
    run = publish(training, algorithm="ease", settings={"set": {"regularisation": 3.0}})

    slate = Slate.objects.get(publication=run, end_user__user_id="user 3")
    items, scores = expected_of("ease", "user 3", regularisation=3.0)
    assert slate.item_ids == items
    np.testing.assert_allclose(slate.scores, scores, atol=1e-6)


def test_settings_are_those_that_the_evaluation_chose(training):
    kept = {"regularisation": 3.0, "half_life": None}
    evaluation = EvaluationRun.objects.create(
        split="leave-one-out", results={"algorithms": {"ease": {"settings": kept}}}, **factories.done()
    )  # fmt: skip

    run = publish(training, algorithm="ease")
    changed = publish(training, algorithm="ease", settings={"set": {"regularisation": 9.0}})

    slate = Slate.objects.get(publication=run, end_user__user_id="user 3")
    items, scores = expected_of("ease", "user 3", regularisation=3.0, half_life=None)
    assert slate.item_ids == items
    np.testing.assert_allclose(slate.scores, scores, atol=1e-6)
    assert run.results["algorithm_settings"] == kept
    assert run.results["settings_from"] == f"settings of evaluation {evaluation.pk}"
    assert changed.results["algorithm_settings"] == {**kept, "regularisation": 9.0}
    assert changed.results["settings_from"] == f"settings of evaluation {evaluation.pk}, with changes"  # fmt: skip


def test_a_fusion_is_published(training, monkeypatch):
    made = algorithms.make("fusion", members=("item_knn", "ease"))
    monkeypatch.setattr(published.choosing, "make", lambda name, **options: made)

    run = publish(training, algorithm="fusion")

    assert published.load(run).fitted.learned.names == ("item_knn", "ease")
    assert Slate.objects.filter(publication=run).count() == EndUser.objects.count()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"algorithm": "nothing"}, "There is no algorithm 'nothing'"),
        ({"algorithm": "ease", "settings": {"set": {"nothing": 1}}}, "nothing"),
        ({"algorithm": "ease", "settings": {"set": {"regularisation": -1e9}}}, "no solution"),
    ],
)
def test_what_cannot_be_fitted_fails_with_the_reason(training, fields, said):
    with pytest.raises(CannotRun, match=said):
        publish(training, **fields)

    assert PublicationRun.objects.get().state == RunState.FAILED


def test_a_live_renewal_is_ranked_by_the_published_algorithm(training):
    run = publish(training, algorithm="ease")
    person, item = EndUser.objects.get(user_id="user 3"), Item.objects.get(item_id="item 4")
    factories.event(person, item, occurred_at=NOW)
    ChangeMark.objects.create(end_user=person, marked_at=NOW)

    assert refreshing.refresh_marked(limit=10, now=NOW + timedelta(seconds=1)) == 1

    slate = Slate.objects.get(publication=run, end_user=person)
    known = events.interaction_log(end_users=[person.pk])
    scores = published.load(run).scores(known.log, users=np.array([0], np.int32))[0]
    scores[known.log.items] = -np.inf
    assert slate.item_ids == known.log.catalogue.item_ids[np.argsort(-scores, kind="stable")[: len(slate.item_ids)]].tolist()  # fmt: skip
    assert "item 4" not in slate.item_ids
    assert not ChangeMark.objects.exists()


def give_towns():
    """Let everybody live in one of two towns; neighbours in number do not share it."""
    for person in EndUser.objects.all():
        person.attributes = {"town": "Oslo" if int(person.user_id.split()[1]) % 2 else "Rome"}
        person.save()


def test_attributes_reach_what_is_published_and_what_is_renewed(training):
    bare, _ = expected_of("attribute_popular", "user 3", shrinkage=0.1)
    give_towns()
    settings = {"set": {"shrinkage": 0.1}}
    run = publish(training, algorithm="attribute_popular", settings=settings)
    person = EndUser.objects.get(user_id="user 3")
    published_first = Slate.objects.get(publication=run, end_user=person)
    expected, _ = expected_of("attribute_popular", "user 3", shrinkage=0.1)
    factories.event(person, Item.objects.get(item_id="item 15"), occurred_at=NOW)
    ChangeMark.objects.create(end_user=person, marked_at=NOW)

    refreshing.refresh_marked(limit=10, now=NOW + timedelta(seconds=1))

    # In user 3's town odd items are chosen.
    assert published_first.item_ids == expected != bare
    assert {item_id[-1] in "13579" for item_id in expected[:4]} == {True}
    assert "item 15" in expected
    renewed = Slate.objects.get(publication=run, end_user=person)
    assert renewed.item_ids == [one for one in expected if one != "item 15"]


def test_a_live_renewal_by_the_network_asks_for_no_attributes(training, monkeypatch):
    give_towns()
    run = publish(training)
    person, item = EndUser.objects.get(user_id="user 3"), Item.objects.get(item_id="item 4")
    factories.event(person, item, occurred_at=NOW)
    ChangeMark.objects.create(end_user=person, marked_at=NOW)
    asked = []
    monkeypatch.setattr(attributes, "added", lambda log, **kinds: asked.append(kinds) or log)

    refreshing.refresh_marked(limit=10, now=NOW + timedelta(seconds=1))

    assert "item 4" not in Slate.objects.get(publication=run, end_user=person).item_ids
    assert asked == []


def test_a_damaged_algorithm_leaves_slates_as_they_are(training):
    run = publish(training, algorithm="ease")
    path = algorithm_files.path_of(run.pk)
    path.write_bytes(path.read_bytes()[:-1])
    person = EndUser.objects.get(user_id="user 3")
    before = Slate.objects.get(publication=run, end_user=person).generated_at
    ChangeMark.objects.create(end_user=person, marked_at=NOW)
    refreshing.memory.__init__()

    refreshing.refresh_marked(limit=10, now=timezone.now())

    assert Slate.objects.get(publication=run, end_user=person).generated_at == before
    person.refresh_from_db()
    assert person.current_state.training_run == training


def test_the_file_goes_with_the_slates(training):
    first = publish(training, algorithm="ease")
    for _ in range(switching.NUM_KEPT + 1):
        publish(training)

    first.refresh_from_db()
    assert "slates_removed_at" in first.results
    assert not algorithm_files.path_of(first.pk).parent.exists()


def test_what_is_carried_answers_about_a_catalogue_that_grew_and_was_put_in_another_order():
    log = drawn_log()
    algorithm = algorithms.make("ease")
    fitted = algorithm.fit(log, settings=algorithm.grid()[0], seed=0)
    carried = Carried(log.catalogue, fitted)
    users = np.array([4, 2], np.int32)
    order = np.random.default_rng(0).permutation(log.num_items)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    later = type(log.catalogue).build(
        item_ids=["new", *log.catalogue.item_ids[order].tolist()], categories=None
    )
    moved = type(log)(
        **{**{field: getattr(log, field) for field in log.__dataclass_fields__},
           "catalogue": later, "items": (place[log.items] + 1).astype(np.int32)}
    )  # fmt: skip

    found = carried.scores(moved, users=users)

    expected = fitted.scores(log, users=users)
    assert np.isneginf(found[:, 0]).all()
    np.testing.assert_allclose(found[:, 1:], expected[:, order], rtol=1e-5)
