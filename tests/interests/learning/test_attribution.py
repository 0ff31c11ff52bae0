from dataclasses import replace

import numpy as np
import pytest
import torch

from interests.datasets.log import InteractionLog
from interests.learning import attribution, scoring
from interests.learning.networks.averaged_network import AveragedNetwork
from interests.learning.trained import TrainedNetwork
from tests.interests.learning.logs import chain, log_of

SECONDS = [[0.0, 1, 5, 60, 61, 3_000, 90_000]]


def gains_of(
    network: TrainedNetwork, log: InteractionLog, *, items: list[list[int]], last: int = 30
) -> list[attribution.Gains]:
    users = np.arange(log.num_users)
    return list(attribution.gains(network, log, users=users, items=np.array(items), last=last))


def score_without(network: TrainedNetwork, log: InteractionLog, left_out: int) -> np.ndarray:
    """Return the scores of one person's log without an event, the way slates are scored."""
    kept = log.take(np.arange(log.num_events) != left_out)
    return scoring.scores(network, kept, users=np.array([0]))[0]


def test_a_gain_is_the_change_in_score_when_the_event_is_left_out(trained):
    log = log_of([[3, 4, 8, 5, 6]], num_items=12, seconds=[SECONDS[0][:5]])
    items = [7, 9, 0]
    whole = scoring.scores(trained, log, users=np.array([0]))[0, items]

    (found,) = gains_of(trained, log, items=[items])

    assert (found.user, found.events.tolist()) == (0, [0, 1, 2, 3, 4])
    for event in range(5):
        without = score_without(trained, log, event)[items]
        np.testing.assert_allclose(found.gains[event], whole - without, atol=1e-4)


def test_what_counts_most_is_the_event_that_the_next_item_follows(trained):
    log = chain(num_users=12, length=5, seed=4)
    following = (log.items[log.offsets[1:] - 1] + 1) % 12

    found = gains_of(trained, log, items=[[item] for item in following])

    # After item i comes item i + 1, so the last event tells it, and the others nothing more.
    mean = np.mean([own.gains[:, 0] for own in found], axis=0)
    assert mean.argmax() == 4
    assert mean[4] > 0.5 > mean[:4].max()


def test_leaving_out_what_is_named_lowers_the_score_more_than_leaving_out_others(trained):
    log = chain(num_users=20, length=6, seed=9)
    best = np.concatenate([items for _, items, _ in scoring.top_items(trained, log, k=2)])

    found = gains_of(trained, log, items=best.tolist())

    for user, own in enumerate(found):
        alone = replace(
            log.take(log.users == user), user_ids=log.user_ids[:1], users=np.zeros(6, np.int32)
        )
        whole = scoring.scores(trained, alone, users=np.array([0]))[0]
        changes = [whole - score_without(trained, alone, event) for event in range(6)]
        for column, item in enumerate(best[user]):
            named = int(own.gains[:, column].argmax())
            true = [change[item] for change in changes]
            assert true[named] > 0
            assert true[named] >= max(true) - 1e-4


def test_only_the_newest_events_within_the_window_are_looked_at(trained):
    log = log_of([[0, 1, 2, 3, 4, 5, 6], [5, 6], []], num_items=12)  # the window holds 6

    all_of_them = gains_of(trained, log, items=[[7], [7], [7]])
    two = gains_of(trained, log, items=[[7], [7], [7]], last=2)

    assert [own.events.tolist() for own in all_of_them] == [[1, 2, 3, 4, 5, 6], [7, 8], []]
    assert [own.events.tolist() for own in two] == [[5, 6], [7, 8], []]
    np.testing.assert_allclose(two[0].gains, all_of_them[0].gains[-2:], atol=1e-5)


def test_several_events_at_once_add_what_their_absence_takes(trained):
    log = log_of([[3, 4, 8, 5, 6], [1, 2]], num_items=12, seconds=[SECONDS[0][:5], [0, 9]])
    users, items = np.array([0, 1, 0]), np.array([[7, 9], [3, 0], [7, 9]])
    events = [np.array([1, 3]), np.array([5, 6]), np.array([0, 1, 3, 4])]

    found = attribution.together(trained, log, users=users, items=items, events=events)

    whole = scoring.scores(trained, log, users=users)
    for row, (user, own) in enumerate(zip(users, events, strict=True)):
        without = log.take(~np.isin(np.arange(log.num_events), own))
        after = scoring.scores(trained, without, users=np.array([user]))[0]
        np.testing.assert_allclose(found[row], (whole[row] - after)[items[row]], atol=1e-4)


def test_events_outside_of_the_window_change_nothing(trained):
    log = log_of([[0, 1, 2, 3, 4, 5, 6], [5]], num_items=12)  # the window holds 6

    found = attribution.together(
        trained, log, users=np.array([0]), items=np.array([[7, 8]]), events=[np.array([0, 7])]
    )

    assert found.tolist() == [[0.0, 0.0]]


def test_nobody_has_nothing(trained):
    none = attribution.together(
        trained, chain(), users=np.zeros(0, int), items=np.zeros((0, 3), int), events=[]
    )

    assert none.shape == (0, 3)


@pytest.mark.parametrize("trend", [0.0, 0.5, 3.0])
def test_without_their_only_event_somebody_is_a_stranger(trained, trend):
    rises = np.linspace(-1, 1, 12).astype(np.float32)
    network = replace(trained, log_rises=rises).with_trend(trend)
    log = log_of([[5], []], num_items=12)
    scored = scoring.scores(network, log, users=np.array([0, 1]))

    found = gains_of(network, log, items=[[6, 2], [6, 2]])

    np.testing.assert_allclose(found[0].gains[0], (scored[0] - scored[1])[[6, 2]], atol=1e-4)


def test_events_with_items_that_the_network_lacks_are_passed_over(trained):
    log = log_of([[3, 12, 4]], num_items=13)

    (found,) = gains_of(trained, log, items=[[5]])

    assert found.events.tolist() == [0, 2]


def test_several_networks_together_add_what_they_add_in_the_mean(trained):
    network = replace(trained, network=AveragedNetwork([trained.network, trained.network]).eval())
    log = log_of([[3, 4, 5]], num_items=12)

    (alone,) = gains_of(trained, log, items=[[6, 1]])
    (together,) = gains_of(network, log, items=[[6, 1]])

    np.testing.assert_allclose(together.gains, alone.gains, atol=1e-4)


def test_batches_do_not_change_what_is_found(trained, monkeypatch):
    log = log_of([[1], list(range(6)), [4, 5, 6], []], num_items=12)
    items = [[7, 2]] * 4
    expected = gains_of(trained, log, items=items)

    monkeypatch.setattr(attribution, "ENCODED_EVENTS", 1)
    monkeypatch.setattr(attribution, "PEOPLE_AT_ONCE", 1)
    found = gains_of(trained, log, items=items)

    for one, other in zip(found, expected, strict=True):
        assert one.events.tolist() == other.events.tolist()
        np.testing.assert_allclose(one.gains, other.gains, atol=1e-4)


def test_works_on_every_device(trained, device):
    log = log_of([[3, 4, 5]], num_items=12)
    (expected,) = gains_of(trained, log, items=[[6]])
    network = replace(trained, network=trained.network.to(device))

    (found,) = gains_of(network, log, items=[[6]])

    trained.network.to(torch.device("cpu"))
    np.testing.assert_allclose(found.gains, expected.gains, atol=1e-3)
