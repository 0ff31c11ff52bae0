"""What is learned from, what is asked, and that nothing crosses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recommender.evaluation import splits
from recommender.evaluation.splits import CannotSplit, Questions
from tests.recommender.logs import DAY, drawn_log, events_of, log_of


def asked(questions: Questions) -> list[tuple[str, str]]:
    """Return the (user, target) pairs."""
    log = questions.histories
    return list(
        zip(
            log.user_ids[questions.users[questions.rows]],
            log.catalogue.item_ids[questions.items],
            strict=True,
        )
    )


def test_leave_one_out_of_six_events_holds_back_the_last_two_of_who_has_three():
    log = log_of(
        [("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 3), ("ann", "d", 4), ("bob", "a", 1), ("bob", "d", 9)]
    )  # fmt: skip

    split = splits.split(log, name="leave-one-out")

    everything_of_bob = [("bob", "a"), ("bob", "d")]
    assert events_of(split.fit) == [("ann", "a"), ("ann", "b"), *everything_of_bob]
    assert split.validation_fit is split.fit
    assert asked(split.validation) == [("ann", "c")]
    assert events_of(split.validation.histories) == events_of(split.fit)
    assert asked(split.test) == [("ann", "d")]
    assert events_of(split.test.histories) == [
        ("ann", "a"), ("ann", "b"), ("ann", "c"), *everything_of_bob,
    ]  # fmt: skip
    assert split.test.times.tolist() == [4 * DAY]
    assert split.left_out == {"end users with fewer than 3 events": 1, "targets seen before": 0}


def test_leave_one_out_never_asks_for_negative_events_but_shows_them():
    log = log_of(
        [
            ("ann", "a", 1), ("ann", "b", 2), ("ann", "x", 3, "dislike"), ("ann", "c", 4),
            ("ann", "y", 5, "dislike"), ("bob", "a", 1), ("bob", "b", 2), ("bob", "c", 3, "dislike"),
        ]
    )  # fmt: skip

    split = splits.split(log, name="leave-one-out")

    of_bob = [("bob", "a"), ("bob", "b"), ("bob", "c")]
    assert asked(split.test) == [("ann", "c")]
    assert asked(split.validation) == [("ann", "b")]
    assert events_of(split.test.histories) == [("ann", "a"), ("ann", "b"), ("ann", "x"), *of_bob]
    assert events_of(split.fit) == [("ann", "a"), *of_bob]


def test_leave_one_out_drops_targets_seen_before_unless_repeats_are_kept():
    rows = [("ann", "a", 1), ("ann", "b", 2), ("ann", "a", 3), ("bob", "a", 1), ("bob", "b", 2), ("bob", "c", 3)]  # fmt: skip

    dropped = splits.split(log_of(rows), name="leave-one-out")
    kept = splits.split(log_of(rows), name="leave-one-out", has_repeats=True)

    assert asked(dropped.test) == [("bob", "c")]
    assert dropped.left_out["targets seen before"] == 1
    assert asked(kept.test) == [("ann", "a"), ("bob", "c")]
    assert kept.left_out["targets seen before"] == 0


def test_time_split_cuts_everybody_at_the_same_time():
    # Twenty events on days 0 to 19: validation begins on day 16, the test on day 18.
    rows = [("ann", f"i{day:02}", day) for day in range(14)]
    rows += [("bob", "i00", 14), ("bob", "i01", 15)]
    rows += [("ann", "i14", 16), ("cem", "i00", 17)]
    rows += [("bob", "new", 18), ("dan", "i02", 19)]

    split = splits.split(log_of(rows), name="time")

    assert len(events_of(split.validation_fit)) == 16
    assert asked(split.validation) == [("ann", "i14")]
    assert events_of(split.fit)[-1] == ("cem", "i00")
    assert len(events_of(split.fit)) == 18
    assert asked(split.test) == [("bob", "new")]
    assert split.new_users is not None
    assert asked(split.new_users) == [("dan", "i02")]
    assert split.left_out == {
        "end users without events after the cut": 2,
        "end users new after the cut (a slice of their own)": 1,
        "targets seen before": 0,
    }


def test_new_users_are_asked_about_again_once_their_first_events_are_known():
    rows = [("ann", f"i{day:02}", 0.1 * day) for day in range(60)]
    rows += [("bob", item, 10 + day) for day, item in enumerate(["a", "b", "a", "c", "d"])]
    rows += [("cem", "a", 20)]

    split = splits.split(log_of(rows), name="time")

    assert {number: asked(questions) for number, questions in split.sessions.items()} == {
        1: [("bob", "b"), ("bob", "c"), ("bob", "d")],
        3: [("bob", "c"), ("bob", "d")],
    }
    first = split.sessions[1]
    assert events_of(first.histories) == [*events_of(split.fit), ("bob", "a"), ("cem", "a")]
    assert first.times.tolist() == [11 * DAY]
    assert split.sessions[3].times.tolist() == [13 * DAY]


def test_time_split_asks_for_each_unseen_item_once_and_never_for_disliked_ones():
    rows = [("ann", f"i{number:02}", 0.1 * number) for number in range(40)]
    rows += [("ann", "x", 10), ("ann", "i00", 11), ("ann", "x", 12), ("ann", "y", 13, "dislike")]

    split = splits.split(log_of(rows), name="time")

    assert asked(split.test) == [("ann", "i39"), ("ann", "x")]
    assert split.left_out["targets seen before"] == 1
    assert split.test.times.tolist() == [round(3.9 * DAY)]


@pytest.mark.parametrize("name", splits.NAMES)
def test_no_target_is_among_what_its_user_has_seen(name):
    split = splits.split(drawn_log(), name=name)

    for fit, questions in ((split.validation_fit, split.validation), (split.fit, split.test)):
        assert questions.num_users > 5
        assert set(asked(questions)).isdisjoint(events_of(questions.histories))
        assert set(events_of(fit)) <= set(events_of(questions.histories))


def test_nothing_after_the_cut_changes_what_is_learned_from():
    log = drawn_log()
    cut = np.sort(log.times)[int(log.num_events * 0.9)]
    later = log.times >= cut
    random = np.random.default_rng(1)
    items = log.items.copy()
    items[later] = random.permutation(items[later])
    kinds = log.kinds.copy()
    kinds[later] = 1 - kinds[later]

    before = splits.split(log, name="time")
    after = splits.split(replace(log, items=items, kinds=kinds).sorted(), name="time")

    for name in ("users", "items", "kinds", "times"):
        np.testing.assert_array_equal(getattr(before.fit, name), getattr(after.fit, name))
        np.testing.assert_array_equal(
            getattr(before.validation_fit, name), getattr(after.validation_fit, name)
        )
    assert asked(before.test) != asked(after.test)


@pytest.mark.parametrize(
    ("rows", "name", "words"),
    [
        ([("ann", "a", 1), ("ann", "b", 2)], "leave-one-out", "No end user has 3 events"),
        ([("ann", "a", 1), ("ann", "a", 2), ("ann", "a", 3)], "leave-one-out", "targets seen before: 1"),
        ([("ann", "a", 1), ("bob", "b", 1)], "time", "events at different times"),
        ([("ann", "a", 1), ("bob", "b", 2)], "time", "Nothing is left to ask for"),
        ([("ann", "a", 1)], "weekly", "There is no split 'weekly'. Choose from: leave-one-out, time."),
    ],
)  # fmt: skip
def test_a_log_that_cannot_be_split_says_why(rows, name, words):
    with pytest.raises(CannotSplit, match=words):
        splits.split(log_of(rows), name=name)


@pytest.mark.parametrize("name", splits.NAMES)
def test_a_log_without_events_cannot_be_split(name):
    log = log_of([("ann", "a", 1)])

    with pytest.raises(CannotSplit):
        splits.split(log.take(np.zeros(1, bool)), name=name)
