import numpy as np
import pytest
import torch

from interests.learning import scoring
from tests.interests.learning.logs import chain, log_of


def everybody(blocks) -> tuple[np.ndarray, ...]:
    return tuple(np.concatenate(parts) for parts in zip(*blocks, strict=True))


def test_top_items_begin_with_what_comes_next_and_hold_nothing_seen(trained):
    log = chain(num_users=9, length=5, seed=4)

    users, items, scores = everybody(scoring.top_items(trained, log, k=3))

    assert users.tolist() == list(range(9))
    last = log.items[log.offsets[1:] - 1]
    assert items[:, 0].tolist() == ((last + 1) % 12).tolist()
    assert (np.diff(scores, axis=1) <= 0).all()
    for user in range(9):
        own = set(log.items[log.users == user].tolist())
        assert own.isdisjoint(items[user].tolist())


def test_top_items_are_padded_where_too_few_are_left(trained):
    log = log_of([list(range(11)), []], num_items=12)
    hidden = np.arange(12) == 3

    _, items, scores = everybody(scoring.top_items(trained, log, k=14, excluded_items=hidden))

    assert items[0].tolist() == [11] + [-1] * 13
    assert np.isneginf(scores[0, 1:]).all()
    assert sorted(items[1].tolist()) == [-1] * 3 + [n for n in range(12) if n != 3]


def test_top_items_may_hold_what_was_seen(trained):
    log = log_of([[5, 6]], num_items=12)

    _, items, _ = everybody(scoring.top_items(trained, log, k=12, exclude_seen=False))

    assert sorted(items[0].tolist()) == list(range(12))


@pytest.mark.parametrize("size", [1, 24, 1000])
def test_scores_do_not_depend_on_blocks(trained, monkeypatch, size):
    log = chain(num_users=7, length=30)
    users = np.array([6, 0, 3])
    expected = scoring.scores(trained, log, users=np.arange(7))[users]

    monkeypatch.setattr(scoring, "BLOCK_SCORES", size)
    found = scoring.scores(trained, log, users=users)

    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_scores_are_those_of_the_network(trained):
    log = chain(num_users=3, length=4, seed=8)
    own = trained.histories(log)
    columns = [torch.from_numpy(part.reshape(3, 4)) for part in (own.items, own.kinds, own.gaps)]

    found = scoring.scores(trained, log, users=np.arange(3))

    with torch.inference_mode():
        expected = trained.network.scores(trained.network(*columns)[:, -1])
    np.testing.assert_allclose(found, expected.numpy() + trained.trend, atol=1e-5)


def test_long_and_short_histories_are_encoded_as_each_by_itself(trained, monkeypatch):
    log = log_of([[1], list(range(9)), [], [4, 5, 6], [7] * 30], num_items=12)
    monkeypatch.setattr(scoring, "ENCODED_USERS", 2)
    monkeypatch.setattr(scoring, "ENCODED_EVENTS", 8)

    found = scoring.scores(trained, log, users=np.arange(5))

    alone = [scoring.scores(trained, log, users=np.array([user]))[0] for user in range(5)]
    np.testing.assert_allclose(found, alone, atol=1e-5)


def test_scores_of_another_catalogue_follow_the_ids(trained):
    log = log_of([[1, 2]], num_items=12)
    other = log_of([[1, 2]], num_items=13)
    shuffled = np.array([12, *range(11, -1, -1)])  # column 0 is new, then i11 down to i0
    other.catalogue.item_ids[:] = [f"i{number}" for number in shuffled]
    other.items[:] = [11, 10]  # where i1 and i2 now stand

    found = scoring.scores(trained, other, users=np.array([0]))[0]

    assert np.isneginf(found[0])
    expected = scoring.scores(trained, log, users=np.array([0]))[0]
    np.testing.assert_allclose(found[1:], expected[::-1], atol=1e-5)


def test_somebody_without_known_events_gets_popular_items(trained):
    log = log_of([[], [0]], num_items=12)

    found = scoring.scores(trained, log, users=np.array([0]))[0]

    bias = trained.network.item_bias.detach().cpu().numpy()
    np.testing.assert_allclose(found, bias + trained.trend, rtol=1e-6)


def test_where_items_stand_is_asked_anew_for_another_catalogue(trained):
    first, second = chain().catalogue, log_of([[0]], num_items=14).catalogue

    assert trained.item_index(first).tolist() == list(range(12))
    assert trained.item_index(second).tolist() == [*range(12), -1, -1]
    assert trained.item_index(second) is trained.item_index(second)
    assert trained.item_index(first).tolist() == list(range(12))


def test_category_shares_sum_to_one_and_expect_what_comes_next(trained):
    log = chain(num_users=6, length=23, seed=2)

    shares = scoring.category_shares(trained, log)

    assert shares.shape == (log.num_events, 3)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)
    assert trained.repeats_items is False
    # The first events tell little; from the twelfth on, the whole chain has been seen.
    told = np.isin(np.arange(log.num_events) % 23, [4, 5, 6, 7])
    low = log.catalogue.category_names.index("low")
    wanted = ((log.items[told] + 1) % 12 < 6).astype(float)
    assert np.abs(shares[told, low] - wanted).mean() < 0.25  # everybody's shares: 0.5


def test_category_shares_list_little_at_a_time_of_a_long_history(trained, monkeypatch):
    log = chain(num_users=1, length=40)
    whole = scoring.category_shares(trained, log)
    listed: list[int] = []
    seen = scoring._seen_until

    def watched(*args):
        pairs = seen(*args)
        listed.append(len(pairs[0]))
        return pairs

    monkeypatch.setattr(scoring, "_seen_until", watched)
    monkeypatch.setattr(scoring, "BLOCK_SCORES", 1600)

    found = scoring.category_shares(trained, log)

    np.testing.assert_allclose(found, whole, atol=1e-6)
    assert max(listed) <= 1600 / scoring.LISTED_COST


def test_category_shares_of_wanted_events_are_those_of_all_in_less_work(trained, monkeypatch):
    log = chain(num_users=3, length=10)
    whole = scoring.category_shares(trained, log)
    wanted = np.arange(log.num_events) % 10 >= 9
    sizes: list[int] = []
    batch = scoring.batch

    def watched(own, windows, **options):
        sizes.append(len(windows.lengths))
        return batch(own, windows, **options)

    monkeypatch.setattr(scoring, "batch", watched)

    found = scoring.category_shares(trained, log, wanted=wanted)

    np.testing.assert_allclose(found[wanted], whole[wanted], atol=1e-6)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
    assert sum(sizes) == 3  # of the three windows of each only the last


def test_category_shares_do_not_look_ahead(trained):
    log = chain(num_users=3, length=20)
    cut = log.take(np.arange(log.num_events) % 20 < 13)

    whole, early = scoring.category_shares(trained, log), scoring.category_shares(trained, cut)

    np.testing.assert_allclose(early, whole[np.arange(log.num_events) % 20 < 13], atol=1e-5)


def test_category_shares_after_an_unknown_item_are_those_before_it(trained):
    log = log_of([[12, 4, 12]], num_items=13, categories=[["a"]] * 6 + [["b"]] * 6 + [["new"]])

    shares = scoring.category_shares(trained, log)

    assert shares[2].tolist() == shares[1].tolist()
    assert log.catalogue.category_names == ("a", "b", "new", "uncategorised")
    np.testing.assert_allclose(shares[:, 2:], 0)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)


def test_category_shares_of_an_empty_log(trained):
    assert scoring.category_shares(trained, log_of([[]], num_items=12)).shape == (0, 1)


def test_similar_items_are_the_nearest_by_cosine(trained, monkeypatch):
    monkeypatch.setattr(scoring, "BLOCK_SCORES", 30)

    items, cosines = scoring.similar_items(trained, 4)

    weights = torch.nn.functional.normalize(torch.from_numpy(scoring.item_embeddings(trained)))
    near = weights @ weights.T - 9 * torch.eye(12)
    assert items.tolist() == near.topk(4, dim=1).indices.tolist()
    np.testing.assert_allclose(cosines, near.topk(4, dim=1).values.numpy(), atol=1e-6)
    assert scoring.similar_items(trained, 99)[0].shape == (12, 11)
