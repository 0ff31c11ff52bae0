import numpy as np
import pytest
import torch

from interests.learning import augmenting, sequences
from interests.learning.config import TrainingConfig
from interests.learning.event_kinds import EventKinds
from interests.learning.sequences import HIDDEN, Windows
from tests.interests.learning.logs import log_of

# One person with items 1 to 10, another with 11 to 16; nothing is known before each one's first.
LOG = log_of([list(range(10)), list(range(10, 16))], num_items=16)
OWN = sequences.histories(LOG, item_index=np.arange(16), kinds=EventKinds.of_log(LOG))
WINDOWS = Windows(np.array([0, 5, 10]), np.array([5, 4, 5]))


def seen_and_asked(own, windows):
    """Return what goes in and what is asked for, window by window, as lists of items."""
    part = sequences.batch(own, windows, device=torch.device("cpu"))
    asked = sequences.targets(own, windows)
    rows = np.split(asked.items, np.searchsorted(asked.places // part.items.shape[1], [1, 2]))
    return part.items.tolist(), [row.tolist() for row in rows]


def test_without_settings_a_pass_is_its_windows_and_draws_nothing_more():
    first, second = (np.random.default_rng(0) for _ in range(2))
    config = TrainingConfig(max_length=4)

    own, windows = augmenting.pass_over(OWN, config=config, is_cool=False, random=first)

    expected = sequences.training_windows(OWN, max_length=4, random=second)
    assert own is OWN
    np.testing.assert_array_equal(windows.starts, expected.starts)
    assert first.random() == second.random()


def test_cropped_window_is_a_stretch_of_itself_and_the_others_stay():
    random = np.random.default_rng(0)
    many = Windows(np.full(400, 20), np.full(400, 10))

    found = augmenting.cropped(many, share=0.3, random=random)

    lengths, counts = np.unique(found.lengths, return_counts=True)
    assert lengths.tolist() == [7, 10]
    assert 160 < counts[0] < 240
    assert np.unique(found.starts[found.lengths == 7]).tolist() == [20, 21, 22, 23]
    assert np.unique(found.starts[found.lengths == 10]).tolist() == [20]


def test_shortest_windows_keep_one_event():
    ones = Windows(np.arange(50), np.ones(50, np.int64))

    found = augmenting.cropped(ones, share=0.9, random=np.random.default_rng(0))

    assert found.lengths.tolist() == [1] * 50


def test_reordered_events_stay_in_their_window_with_all_that_is_known_of_them():
    found = augmenting.reordered(OWN, WINDOWS, share=1.0, random=np.random.default_rng(3))

    assert found.items.tolist() != OWN.items.tolist()
    for start, length in zip(WINDOWS.starts, WINDOWS.lengths, strict=True):
        within = slice(start, start + length)
        assert sorted(found.items[within]) == OWN.items[within].tolist()
    # What comes after a person's last window is only ever asked for.
    assert found.items[[9, 15]].tolist() == [10, 16]
    np.testing.assert_array_equal(OWN.gaps[found.items - 1], found.gaps)
    np.testing.assert_array_equal(OWN.is_target[found.items - 1], found.is_target)
    assert OWN.items.tolist() == list(range(1, 17))


def test_masked_events_are_asked_for_and_not_seen():
    found = augmenting.masked(OWN, WINDOWS, share=0.4, random=np.random.default_rng(1))

    seen, asked = seen_and_asked(found, WINDOWS)

    nexts = ([6], [10], [16])
    for row, items, start, after in zip(seen, asked, WINDOWS.starts, nexts, strict=True):
        hidden = [int(start) + place + 1 for place, item in enumerate(row) if item == HIDDEN]
        # The first of a window is not asked for in it: there is no place before it.
        assert items == [item for item in hidden if item != start + 1] + after
    assert any(len(row) > 1 for row in asked)


def test_without_a_share_only_what_comes_next_is_asked_for():
    found = augmenting.masked(OWN, WINDOWS, share=0.0, random=np.random.default_rng(1))

    seen, asked = seen_and_asked(found, WINDOWS)

    assert seen == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 0], [11, 12, 13, 14, 15]]
    assert asked == [[6], [10], [16]]


@pytest.mark.parametrize("is_cool", [False, True])
def test_bidirectional_network_is_asked_for_the_end_alone_once_it_is_cool(is_cool):
    config = TrainingConfig(max_length=20, encoder="bidirectional", hidden_share=0.9)

    own, windows = augmenting.pass_over(
        OWN, config=config, is_cool=is_cool, random=np.random.default_rng(0)
    )

    assert (len(sequences.targets(own, windows).items) == 2) is is_cool


def test_masked_inputs_stay_targets():
    config = TrainingConfig(max_length=20, mask=0.5)

    own, windows = augmenting.pass_over(
        OWN, config=config, is_cool=False, random=np.random.default_rng(0)
    )

    seen, _ = seen_and_asked(own, windows)
    assert sequences.targets(own, windows).items.tolist() == [*range(2, 11), *range(12, 17)]
    assert 2 < sum(row.count(HIDDEN) for row in seen) < 12


def test_part_of_the_histories_hides_the_same_events():
    own = augmenting.masked(OWN, WINDOWS, share=0.4, random=np.random.default_rng(1))

    part, windows = sequences.cut_out(own, WINDOWS)

    assert seen_and_asked(part, windows) == seen_and_asked(own, WINDOWS)
