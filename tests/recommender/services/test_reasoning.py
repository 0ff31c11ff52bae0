from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from interests.learning import scoring
from interests.models import EndUser, Interaction, Item
from interests.selectors import events
from interests.services import training as training_service
from recommender.models import Slate
from recommender.ranking.reasons import Evidence
from recommender.services import reasoning, refreshing
from tests.factories import NOW
from tests.recommender.services.test_publishing import published
from tests.recommender.services.test_refreshing import refresh, views


@pytest.fixture
def serving(training, monkeypatch):
    monkeypatch.setattr(refreshing, "memory", refreshing.Memory())
    return published(training)


def explain(serving, *user_ids: str, **arguments) -> int:
    return reasoning.explain(
        keys_of(*user_ids),
        publication_id=serving.pk,
        network=training_service.load(serving.training_run),
        **arguments,
    )


def keys_of(*user_ids: str) -> list[int]:
    return [EndUser.objects.get(user_id=user_id).pk for user_id in user_ids]


def slate_of(user_id: str) -> Slate:
    return Slate.objects.get(end_user__user_id=user_id)


@pytest.mark.django_db
def test_reasons_name_first_items_the_interest_they_serve_and_events_that_lift_them(serving):
    views("user 3", "item 0")
    refresh()

    assert explain(serving, "user 3", "user 4") == 2

    slate = slate_of("user 3")
    state = EndUser.objects.get(user_id="user 3").current_state
    weights = dict(zip(state.category_ids, state.weights, strict=True))
    assert [reason["item"] for reason in slate.reasons] == slate.items[: reasoning.NUM_ITEMS]
    for reason in slate.reasons:
        (category,) = Item.objects.get(pk=reason["item"]).categories.all()
        assert reason["category"] == category.pk
        assert reason["weight"] == pytest.approx(weights[category.pk], abs=1e-4)
        assert len(reason["events"]) <= 3
        for event, item, gain in reason["events"]:
            assert Interaction.objects.get(pk=event, end_user=slate.end_user_id).item_id == item
            assert gain >= 0.05


@pytest.mark.django_db
def test_a_stated_gain_is_the_change_in_score(serving):
    explain(serving, "user 5")

    slate = slate_of("user 5")
    known = events.interaction_log(end_users=[slate.end_user_id])
    network = training_service.load(serving.training_run)
    alone = [reason for reason in slate.reasons if "together" not in reason]
    stated = [(reason["item"], event) for reason in alone for event in reason["events"]]
    assert stated
    for item, (event, _, gain) in stated:
        without = known.log.positions != event
        assert gain == pytest.approx(change(network, known, item, without), abs=1e-3)


@pytest.mark.django_db
def test_events_that_stand_in_for_each_other_are_named_with_their_part_of_all_of_them(
    serving, monkeypatch
):
    views("user 5", "item 17")
    refresh()
    monkeypatch.setattr(reasoning.reasons, "MIN_GAIN", 10.0)  # no single event lifts as much
    monkeypatch.setattr(reasoning.reasons, "standing_in", standing_in_however_little)
    explain(serving, "user 5")

    slate = slate_of("user 5")
    known = events.interaction_log(end_users=[slate.end_user_id])
    network = training_service.load(serving.training_run)
    done = Interaction.objects.filter(end_user=slate.end_user_id).order_by("occurred_at")
    group = list(done.values_list("pk", flat=True))  # all are of one category
    (category,) = set(done.values_list("item__categories", flat=True))
    without = ~np.isin(known.log.positions, group)
    of_it = [reason for reason in slate.reasons if reason["category"] == category]
    assert len(of_it) == 3
    for reason in of_it:
        assert reason["together"] == len(group) == 7
        assert [event for event, _, _ in reason["events"]] == group[:-4:-1]
        for _, _, gain in reason["events"]:
            assert 7 * gain == pytest.approx(
                change(network, known, reason["item"], without), abs=2e-3
            )


def standing_in_however_little(found, *, gain):
    return tuple(Evidence(event, item, gain / len(found)) for event, item in found[:-4:-1])


def change(network, known, item: int, without: np.ndarray) -> float:
    """Return an item's score less its score with only some events of one person left."""
    column = np.searchsorted(known.item_keys, item)
    logs = (known.log, known.log.take(without))
    before, after = (scoring.scores(network, log, users=np.array([0]))[0, column] for log in logs)
    return float(before - after)


@pytest.mark.django_db
def test_a_slate_made_anew_has_no_reasons_until_they_are_worked_out(serving):
    explain(serving, "user 3")
    explained = slate_of("user 3").reasons
    views("user 3", "item 0")
    refresh()

    assert explained is not None
    assert slate_of("user 3").reasons is None
    assert reasoning.unexplained(keys_of("user 4", "user 3"), publication_id=serving.pk) == keys_of(
        "user 4", "user 3"
    )
    explain(serving, "user 3")
    assert reasoning.unexplained(keys_of("user 4", "user 3"), publication_id=serving.pk) == keys_of(
        "user 4"
    )


@pytest.mark.django_db
def test_a_slate_that_has_not_seen_the_newest_event_is_not_explained_by_it(serving):
    views("user 3", "item 0")

    assert explain(serving, "user 3") == 0
    assert slate_of("user 3").reasons is None


@pytest.mark.django_db
def test_a_slate_made_while_reasons_were_worked_out_gets_none(serving, monkeypatch):
    gains = reasoning.attribution.gains

    def slowly(*arguments, **named):
        Slate.objects.filter(end_user__user_id="user 3").update(
            generated_at=NOW + timedelta(days=1)
        )
        yield from gains(*arguments, **named)

    monkeypatch.setattr(reasoning.attribution, "gains", slowly)

    assert explain(serving, "user 3", "user 4") == 1
    assert slate_of("user 3").reasons is None


@pytest.mark.django_db
def test_a_log_that_is_there_is_not_read_again(serving, django_assert_num_queries):
    known = events.interaction_log()

    # Slates, weights, savepoint, lock, write, its release.
    with django_assert_num_queries(6):
        explained = reasoning.explain(
            keys_of_all := known.user_keys.tolist(),
            publication_id=serving.pk,
            network=training_service.load(serving.training_run),
            log=known,
        )
    assert explained == len(keys_of_all)


@pytest.mark.django_db
def test_nobody_to_explain_is_no_work(serving):
    assert reasoning.explain([], publication_id=serving.pk, network=None) == 0
