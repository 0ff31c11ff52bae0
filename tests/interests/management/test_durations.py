from argparse import ArgumentTypeError

import pytest

from interests.management.durations import seconds


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("7", 7)]
)
def test_durations_are_read(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "0m", "ten", "-5s", "5d"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ArgumentTypeError):
        seconds(text)
