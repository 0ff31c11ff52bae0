from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
import torch
from django.utils import timezone

from interests.learning import checkpoints
from interests.models import EndUser, RunState, TrainingRun
from interests.selectors import events
from interests.services import running
from interests.services import training as trainings
from recommender.models import PublicationRun, Slate
from recommender.services import filling, publishing, slating
from tests import factories
from tests.recommender.services.conftest import NUM_USERS, train

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """What no handler catches, as nothing catches the end of a process."""


@pytest.fixture(autouse=True)
def _blocks_of_five(monkeypatch):
    monkeypatch.setattr(filling, "MAX_PEOPLE", 5)


def request(training: TrainingRun) -> PublicationRun:
    return running.request(PublicationRun, now=timezone.now(), training_run=training)


def slates(run: PublicationRun) -> dict[str, tuple[list[str], list[float]]]:
    rows = Slate.objects.filter(publication=run).select_related("end_user")
    return {row.end_user.user_id: (row.item_ids, row.scores) for row in rows}


def kill_after(num_blocks: int, run: PublicationRun, monkeypatch) -> None:
    """Publish until so many blocks are written, then die; the lease runs out."""
    insert, written = slating.insert, []

    def dying(**options):
        if len(written) == num_blocks:
            raise Killed
        written.append(options)
        return insert(**options)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(slating, "insert", dying)
        publishing.publish(run_id=run.pk)
    PublicationRun.objects.filter(pk=run.pk).update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )


def scores_one_by_one(training: TrainingRun) -> dict[str, dict[str, float]]:
    """Return what the network says of every unseen item, from each whole history by itself."""
    network = trainings.load(training)
    log = events.interaction_log().log
    own = network.histories(log)
    found = {}
    for user, user_id in enumerate(log.user_ids):
        part = slice(own.offsets[user], own.offsets[user + 1])
        columns = [
            torch.from_numpy(column[part][None]) for column in (own.items, own.kinds, own.gaps)
        ]
        with torch.inference_mode():
            scores = network.network.scores(network.network(*columns)[0, -1])
            scores += torch.from_numpy(network.trend)
        seen = set(log.catalogue.item_ids[log.items[log.users == user]])
        pairs = zip(network.item_ids, scores.tolist(), strict=True)
        found[user_id] = {item: score for item, score in pairs if item not in seen}
    return found


def test_slates_are_those_of_each_history_scored_by_itself(training):
    run = request(training)

    publishing.publish(run_id=run.pk)

    expected = scores_one_by_one(training)
    made = slates(run)
    assert made.keys() == expected.keys()
    for user_id, (item_ids, scores) in made.items():
        own = expected[user_id]
        assert sorted(item_ids) == sorted(own)
        np.testing.assert_allclose(scores, [own[item] for item in item_ids], atol=2e-6)
        assert scores == sorted(scores, reverse=True)


def test_a_killed_publication_goes_on_after_its_last_block(training, monkeypatch):
    whole, run = request(training), request(training)
    publishing.publish(run_id=whole.pk)
    kill_after(2, run, monkeypatch)
    kept = dict(run.slates.values_list("end_user__user_id", "generated_at"))
    ranked: list[int] = []
    rank = slating.rank

    def watched(*, log, **options):
        ranked.extend(log.user_keys.tolist())
        return rank(log=log, **options)

    monkeypatch.setattr(slating, "rank", watched)
    publishing.publish(run_id=run.pk)

    run.refresh_from_db()
    assert (run.state, run.attempt) == (RunState.DONE, 2)
    assert len(kept) == 10
    assert kept.items() <= dict(run.slates.values_list("end_user__user_id", "generated_at")).items()
    assert ranked == list(EndUser.objects.order_by("pk").values_list("pk", flat=True))[10:]
    assert slates(run) == slates(whole)
    assert run.results["num_end_users"] == NUM_USERS
    assert (
        run.results["events_through"]
        == PublicationRun.objects.get(pk=whole.pk).results["events_through"]
    )


def test_a_publication_killed_before_its_first_block_begins_again(training, monkeypatch):
    run = request(training)
    kill_after(0, run, monkeypatch)

    publishing.publish(run_id=run.pk)

    assert run.slates.count() == NUM_USERS


def test_what_another_network_made_is_thrown_away(training, monkeypatch):
    run = request(training)
    kill_after(2, run, monkeypatch)
    old = slates(run)
    other = train()
    network = trainings.load(other)
    with torch.no_grad():
        network.network.item_bias.add_(torch.arange(float(network.num_items)))
    folder = trainings.settings.RECSITE_HOME / other.weights_path
    sha256 = checkpoints.save(network, folder)
    TrainingRun.objects.filter(pk=training.pk).update(
        weights_path=other.weights_path, weights_sha256=sha256
    )

    publishing.publish(run_id=run.pk)

    run.refresh_from_db()
    expected = scores_one_by_one(run.training_run)
    made = slates(run)
    assert made.keys() == expected.keys()
    for user_id, (item_ids, scores) in made.items():
        np.testing.assert_allclose(
            scores, [expected[user_id][item] for item in item_ids], atol=2e-5
        )
    assert all(made[user_id] != slate for user_id, slate in old.items())


def test_an_item_that_is_new_to_the_catalogue_does_not_end_the_publication(training, monkeypatch):
    run = request(training)
    blocks = filling.people.blocks

    def with_news(**options):
        for number, keys in enumerate(blocks(**options)):
            if number == 1:
                late = factories.item("late")
                factories.event(EndUser.objects.get(pk=keys[0]), late)
            yield keys

    monkeypatch.setattr(filling.people, "blocks", with_news)
    publishing.publish(run_id=run.pk)

    assert run.slates.count() == NUM_USERS
    # Its title puts it into the slates of those who come after, but for the one who has used it.
    holders = run.slates.filter(item_ids__contains=["late"])
    first_of_second_block = sorted(EndUser.objects.values_list("pk", flat=True))[5]
    assert holders.exists()
    assert not holders.filter(end_user__lte=first_of_second_block).exists()


def test_a_refused_block_leaves_none_of_its_slates(training, monkeypatch):
    run = request(training)
    insert, written = slating.insert, []

    def spoilt(*, log, ranked, **options):
        if written:
            ranked.items[:, 0] = log.log.items[log.log.offsets[:-1]][ranked.users]
        written.append(ranked)
        return insert(log=log, ranked=ranked, **options)

    monkeypatch.setattr(slating, "insert", spoilt)
    with pytest.raises(running.CannotRun, match="were seen before"):
        publishing.publish(run_id=run.pk)

    assert run.slates.count() == 5
