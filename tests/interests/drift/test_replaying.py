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
    assert replaying.points(78) == [78]
    assert replaying.points(79) == [64, 79]
    assert replaying.points(400) == [400 - 255, 400 - 63, 400 - 15, 400]


def test_what_is_worth_keeping_is_the_oldest_of_each_distance():
    assert replaying.worth_keeping([]) == set()
    assert replaying.worth_keeping([100]) == {100}
    assert replaying.worth_keeping([9, 8]) == {9}
    # 1 and 9 back, 16 and 40 back, 64 and 200 back; 290 back is among the first few
    numbers = [10, 100, 236, 260, 284, 291, 299, 300]
    assert replaying.worth_keeping(numbers) == {100, 260, 291, 300}


def test_events_one_by_one_leave_a_dozen_snapshots_and_one_soon_before_every_event():
    kept: set[int] = set()
    for number in range(1, 3001):
        kept = replaying.worth_keeping(kept | {number})

        assert len(kept) <= 7
        for back in (10, 50, 200, 800):
            if number > back:
                base = max((n for n in kept if n <= number - back), default=0)
                assert number - base <= 25 * back + replaying.FIRST


def test_fingerprints_of_several_people_are_those_of_each():
    keys = np.array([5, 6, 7, 9, 2, 3])

    found = replaying.fingerprints_of_all(keys, np.array([0, 3, 3, 6]))

    own = [replaying.fingerprints(keys[begin:end]) for begin, end in ((0, 3), (3, 3), (3, 6))]
    assert [one.tolist() for one in found] == [one.tolist() for one in own]
