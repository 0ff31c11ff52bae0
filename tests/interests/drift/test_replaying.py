import numpy as np

from interests.drift import replaying


def test_fingerprints_tell_other_events_and_another_order_apart():
    one = replaying.fingerprints(np.array([5, 6, 7]))
    longer = replaying.fingerprints(np.array([5, 6, 7, 8]))
    swapped = replaying.fingerprints(np.array([6, 5, 7]))
    other = replaying.fingerprints(np.array([5, 9, 7]))

    assert one.tolist() == longer[:4].tolist()
    assert one[0] == 0
    assert len({int(row[2]) for row in (one, swapped, other)}) == 3
    assert len({int(row[3]) for row in (one, swapped, other)}) == 3


def test_points_go_back_in_growing_steps():
    assert replaying.points(0) == []
    assert replaying.points(15) == [15]
    assert replaying.points(16) == [1, 16]
    assert replaying.points(300) == [300 - 255, 300 - 63, 300 - 15, 300]


def test_what_is_worth_keeping_is_the_oldest_of_each_distance():
    assert replaying.worth_keeping([]) == set()
    assert replaying.worth_keeping([100]) == {100}
    # 1 and 9 back, 16 and 40 back, 64 and 99 back
    assert replaying.worth_keeping([1, 36, 60, 84, 91, 99, 100]) == {1, 60, 91, 100}


def test_events_one_by_one_leave_a_dozen_snapshots_and_one_soon_before_every_event():
    kept: set[int] = set()
    for number in range(1, 3001):
        kept = replaying.worth_keeping(kept | {number})

        assert len(kept) <= 7
        for back in (10, 50, 200, 800):
            if number > back:
                base = max((n for n in kept if n <= number - back), default=0)
                assert number - base <= 25 * back
