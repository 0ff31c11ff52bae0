import numpy as np

from interests.datasets.drawing import drawn


def test_drawn_is_splitmix64():
    # The first two numbers of the generator with seed 0, as its authors' program prints them.
    assert [hex(number) for number in drawn(np.array([0])).tolist()] == ["0xe220a8397b1dcdaf"]
    assert [hex(number) for number in drawn(np.array([0]), seed=1).tolist()] == [
        "0x6e789e6aa1b965f4"
    ]


def test_drawn_of_a_key_does_not_depend_on_the_others():
    some, all_keys = drawn(np.array([7, -3])), drawn(np.arange(-10, 10))

    assert some.tolist() == [all_keys[17], all_keys[7]]
    assert len(set(all_keys.tolist())) == 20
