import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from interests.learning import sequences
from interests.learning.event_kinds import EventKinds
from tests.interests.learning.logs import log_of

CPU = torch.device("cpu")
BOTH_KINDS = EventKinds(names=("view", "dislike"), bounds=((), ()))


def read(log) -> sequences.Histories:
    return sequences.histories(log, item_index=np.arange(log.num_items), kinds=BOTH_KINDS)


def test_histories_count_items_from_1_and_leave_out_unknown_ones():
    log = log_of([[2, 0, 1], [], [1, 2]], num_items=3, seconds=[[0, 1, 4], [], [9, 9]])

    own = sequences.histories(log, item_index=np.array([-1, 0, 1]), kinds=BOTH_KINDS)

    assert own.items.tolist() == [2, 1, 1, 2]
    assert own.kinds.tolist() == [1, 1, 1, 1]
    assert own.offsets.tolist() == [0, 2, 2, 4]
    assert own.events.tolist() == [0, 2, 3, 4]
    # 4 s are in the bucket of [4, 8), equal times in the lowest, first events have no gap.
    assert own.gaps.tolist() == [0, 4, 0, 1]


def test_gap_buckets_double_and_end_at_the_last():
    seconds = np.array([-5, 0, 0.9, 1, 2, 3.9, 4, 86_400, 1e12])

    found = sequences.gap_buckets((seconds * 1_000_000).astype(np.int64))

    assert found.tolist() == [1, 1, 1, 2, 3, 3, 4, 18, sequences.NUM_GAPS - 1]


def test_batch_pads_at_the_end_and_targets_the_next_event_that_is_not_negative():
    log = log_of([[0, 1, 2], [3, 0]], num_items=4, kinds=[[0, 1, 0], [0, 0]])
    own = read(log)

    part = sequences.batch(own, sequences.Windows(np.array([0, 3]), np.array([3, 2])), device=CPU)

    assert part.items.tolist() == [[1, 2, 3], [4, 1, 0]]
    assert part.kinds.tolist() == [[1, 3, 1], [1, 1, 0]]
    # Item 1 was a dislike: an input, never a target. Nothing follows the last events.
    assert part.targets.tolist() == [[0, 3, 0], [1, 0, 0]]
    assert part.lengths.tolist() == [3, 2]


def test_targets_are_those_of_the_batch_and_where_they_stand():
    log = log_of([[0, 1, 2], [3, 0]], num_items=4, kinds=[[0, 1, 0], [0, 0]])
    own = read(log)
    windows = sequences.Windows(np.array([3, 0]), np.array([2, 3]))

    found = sequences.targets(own, windows)

    # As above with rows exchanged: [[1, 0, 0], [0, 3, 0]], counted through.
    assert found.items.tolist() == [1, 3]
    assert found.places.tolist() == [0, 4]
    part = sequences.batch(own, windows, device=CPU)
    assert part.targets.flatten()[found.places].tolist() == [1, 3]


def test_cut_out_events_make_the_same_batches():
    log = log_of([list(range(9)), [3, 0], [5, 6, 7]], num_items=9)
    own = read(log)
    windows = sequences.Windows(np.array([11, 6, 2]), np.array([2, 3, 4]))

    part, moved = sequences.cut_out(own, windows)

    # Windows of 2, 3 and 4 events; after the first and the last comes a target, after the other nothing.
    assert part.events.tolist() == [11, 12, 13, 6, 7, 8, 2, 3, 4, 5, 6]
    assert part.offsets.tolist() == [0, 3, 6, 11]
    before, after = (sequences.batch(*each, device=CPU) for each in ((own, windows), (part, moved)))
    for name in ("items", "kinds", "gaps", "targets", "lengths"):
        assert getattr(after, name).tolist() == getattr(before, name).tolist(), name


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 25), min_size=1, max_size=8),
    max_length=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_training_windows_predict_every_target_exactly_once(lengths, max_length, seed):
    log = log_of([list(range(length)) for length in lengths], num_items=25)
    own = read(log)

    windows = sequences.training_windows(
        own, max_length=max_length, random=np.random.default_rng(seed)
    )

    predicted = [
        place + 1
        for start, length in zip(windows.starts, windows.lengths, strict=True)
        for place in range(start, start + length)
    ]
    firsts = {int(first) for first in own.offsets[:-1]}
    assert sorted(predicted) == [place for place in range(log.num_events) if place not in firsts]
    assert all(1 <= length <= max_length for length in windows.lengths)


def test_batch_order_takes_every_window_once_within_the_tokens():
    random = np.random.default_rng(0)
    windows = sequences.Windows(np.zeros(50, np.int64), random.integers(1, 30, 50))

    order = list(sequences.batch_order(windows, tokens_per_batch=64, random=random))

    assert sorted(np.concatenate(order).tolist()) == list(range(50))
    assert max(len(rows) * windows.lengths[rows].max() for rows in order) <= 64
    spreads = [int(np.ptp(windows.lengths[rows])) for rows in order]
    assert max(spreads) <= 6  # like length with like length


def test_last_windows_keep_the_end_of_long_histories():
    own = read(log_of([list(range(10)), [0]], num_items=10))

    windows = sequences.last_windows(
        own, users=np.array([0, 1]), ends=np.array([10, 11]), max_length=4
    )

    assert (windows.starts.tolist(), windows.lengths.tolist()) == ([6, 10], [4, 1])
