"""Whole evaluations of small logs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import pytest

from recommender import algorithms
from recommender.algorithms import structure
from recommender.algorithms.fusion import WeightedSum
from recommender.algorithms.protocol import CannotFit
from recommender.evaluation import results, runner, splits
from recommender.evaluation.answers import BadRequest, Request
from tests.recommender.logs import drawn_log, log_of


@pytest.fixture(autouse=True)
def _known(monkeypatch):
    """Let what is fitted here be measured as if it could be saved."""
    monkeypatch.setattr(structure, "MODULES", {*structure.MODULES, __name__})


BASELINES = ("most_popular", "recently_popular", "item_knn", "als", "ease")


def run(log, *names, split="leave-one-out", **request):
    cut = splits.split(log, name=split, has_repeats=request.get("has_repeats", False))
    made = [algorithms.make(name) for name in names or BASELINES]
    return runner.run(cut, algorithms=made, request=Request(**request))


@dataclass(frozen=True)
class Setting:
    favourite: int = 0


@dataclass(frozen=True)
class Favourite:
    item: int
    times: list
    shared_seconds: float = 0.0

    def scores(self, histories, *, users, request_times=None):
        self.times.append(request_times)
        scores = np.zeros((len(users), histories.num_items), np.float32)
        scores[:, self.item] = 1
        return scores


class Oracle:
    """Always ranks one item first, and remembers what it was given."""

    name = "oracle"
    is_baseline = True

    def __init__(self, *settings: Setting) -> None:
        self.settings = settings or (Setting(),)
        self.logs = []
        self.times = []

    def grid(self):
        return self.settings

    def fit(self, log, *, settings, seed, budget_seconds=None, report=None):
        self.logs.append(log)
        return Favourite(settings.favourite, self.times)


# In the fit ann and bob chose a and b; validation asks for c, the test for d.
FOUR_EACH = [(user, item, day) for user in ("ann", "bob") for day, item in enumerate("abcd")]


def test_settings_are_chosen_on_validation_and_the_test_is_asked_with_them():
    oracle = Oracle(Setting(0), Setting(2), Setting(3))
    split = splits.split(log_of(FOUR_EACH), name="leave-one-out")

    [result] = runner.run(split, algorithms=[oracle], request=Request(k=1))

    assert result.settings == {"favourite": 2}  # c is right on validation, d would be in the test
    assert result.validation_ndcg == 1.0
    assert result.baseline == "oracle"


def test_what_was_seen_is_masked_and_is_not_with_repeats():
    split = splits.split(log_of(FOUR_EACH), name="leave-one-out")

    [masked] = runner.run(split, algorithms=[Oracle(Setting(0))], request=Request(k=1))
    [kept] = runner.run(
        split, algorithms=[Oracle(Setting(0))], request=Request(k=1, has_repeats=True)
    )

    assert masked.segments["all"].values["recall@1"] == 1.0  # only d is left to be ranked
    assert kept.segments["all"].values["recall@1"] == 0.0


def test_the_time_split_fits_again_on_everything_before_the_cut():
    oracle = Oracle()
    split = splits.split(drawn_log(), name="time")

    runner.run(split, algorithms=[oracle], request=Request())

    assert [log is split.validation_fit for log in oracle.logs] == [True, False]
    assert oracle.logs[1] is split.fit


@pytest.mark.parametrize("is_known", [False, True])
def test_request_times_are_told_only_where_they_may_be_known(is_known):
    oracle = Oracle()
    split = splits.split(log_of(FOUR_EACH), name="leave-one-out")

    runner.run(split, algorithms=[oracle], request=Request(is_request_time_known=is_known))

    expected = split.test.times.tolist() if is_known else None
    assert (None if oracle.times[-1] is None else oracle.times[-1].tolist()) == expected


@pytest.mark.parametrize("split", splits.NAMES)
def test_personal_baselines_beat_popularity_where_people_differ(split):
    found = {result.algorithm: result for result in run(drawn_log(num_events=2000), split=split)}

    popular = found["most_popular"].segments["all"].values["ndcg@10"]
    assert found["item_knn"].segments["all"].values["ndcg@10"] > popular
    assert found["ease"].segments["all"].values["ndcg@10"] > popular
    best = max(found.values(), key=lambda result: result.validation_ndcg)
    assert {result.baseline for result in found.values()} == {best.algorithm}
    assert best.p_values == {}


def test_the_same_request_gives_the_same_numbers():
    first, second = (
        [result.as_json() for result in run(drawn_log(), "most_popular", "ease", seed=5)]
        for _ in range(2)
    )

    for own in (*first, *second):
        for name in ("fit_seconds", "choose_seconds", "score_seconds"):
            own.pop(name)
    assert first == second


def test_the_json_form_has_what_the_command_promises():
    popular, ease = (result.as_json() for result in run(drawn_log(), "most_popular", "ease", k=5))

    keys = {f"{name}@5" for name in ("recall", "precision", "ndcg", "map", "mrr", "coverage")}
    assert set(ease["metrics"]) == keys
    assert set(ease["intervals"]) == keys - {"coverage@5"}
    for key, (low, high) in ease["intervals"].items():
        assert low <= ease["metrics"][key] <= high
    by_name = {"most_popular": popular, "ease": ease}
    other = by_name.keys() - {ease["baseline"]}
    assert by_name[ease["baseline"]]["p_value"] is None
    assert 0 < by_name[other.pop()]["p_value"] <= 1
    assert ease["targets_sha256"] == popular["targets_sha256"]
    for part in ease["segments"].values():
        for key, (low, high) in part["intervals"].items():
            assert low <= part["metrics"][key] <= high
    assert (
        sum(part["num_users"] for name, part in ease["segments"].items() if "events" in name)
        == (ease["num_users"])
    )


def test_the_hash_is_that_of_the_sorted_lines():
    split = splits.split(log_of(FOUR_EACH), name="leave-one-out")

    found = results.targets_sha256(split.test)

    assert found == hashlib.sha256(b"ann\td\nbob\td\n").hexdigest()


def test_targets_outside_the_fitted_catalogue_are_misses_and_counted():
    rows = [*FOUR_EACH, ("cem", "a", 1), ("cem", "b", 2), ("cem", "z", 3)]

    popular = run(log_of(rows), "most_popular")[0]

    # d and z are in nobody's fit.
    assert popular.unfitted_targets == 3
    assert popular.segments["new items"].values["recall@10"] == 0.0


def test_new_end_users_are_a_slice_of_their_own():
    log = drawn_log(num_users=300, num_events=900)

    popular = run(log, "most_popular", split="time")[0]

    split = splits.split(log, name="time")
    strangers = popular.segments["new end users before any event"]
    assert strangers.num_users == split.new_users.num_users > 0
    assert popular.segments["all"].num_users == split.test.num_users


@pytest.mark.parametrize("split", splits.NAMES)
def test_every_kind_of_segment_is_there_for_every_algorithm(split):
    log = drawn_log(num_users=600, num_items=600, num_events=1800)

    found = run(log, split=split)

    kinds = ("events", "popular items", "other items", "new items", "before any event")
    expected = kinds if split == "time" else kinds[:-1]
    for result in found:
        parts = [name for name in result.segments if name != "all"]
        assert {kind for kind in kinds if any(kind in name for name in parts)} == set(expected)
        for name in parts:
            assert result.segments[name].num_users > 0
            assert 0 <= result.segments[name].values["ndcg@10"] <= 1
    # All targets of one end user lie in one class of history length.
    one = found[0].segments
    lengths = [name for name in one if "events" in name and not name.startswith("new")]
    assert sum(one[name].num_users for name in lengths) == one["all"].num_users


def test_one_item_alone_can_only_be_repeated():
    rows = [("ann", "a", day) for day in range(4)]

    [result] = run(log_of(rows), "most_popular", has_repeats=True)

    assert result.segments["all"].values["ndcg@10"] == 1.0
    assert result.segments["all"].intervals == {}


def test_a_budget_ends_the_choice_of_settings_after_the_first():
    oracle = Oracle(Setting(0), Setting(2))
    split = splits.split(log_of(FOUR_EACH), name="leave-one-out")

    [result] = runner.run(split, algorithms=[oracle], request=Request(k=1, budget_seconds=1e-9))

    assert result.settings == {"favourite": 0}


def test_a_budget_does_not_end_the_choice_of_what_shares_one_fit():
    oracle = Oracle(Setting(0), Setting(2))
    oracle.shares_fits = True
    split = splits.split(log_of(FOUR_EACH), name="leave-one-out")

    [result] = runner.run(split, algorithms=[oracle], request=Request(k=1, budget_seconds=1e-9))

    assert result.settings == {"favourite": 2}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"k": 0}, "k must be from 1 to 1,000, not 0."),
        ({"k": 1_000_000}, "k must be from 1 to 1,000, not 1,000,000."),
        ({"seed": -1}, "The seed must be 0 or more, not -1."),
        ({"budget_seconds": 0.0}, "The budget must be more than 0 seconds."),
    ],
)
def test_a_bad_request_says_what_would_be_right(fields, words):
    with pytest.raises(BadRequest) as raised:
        Request(**fields)

    assert str(raised.value) == words


def test_the_time_of_a_fit_counts_the_work_it_took_over():
    class Sharing(Oracle):
        def fit(self, log, **kwargs):
            return replace(super().fit(log, **kwargs), shared_seconds=1000.0)

    split = splits.split(log_of(FOUR_EACH), name="leave-one-out")

    [result] = runner.run(split, algorithms=[Sharing()], request=Request(k=1))

    assert result.fit_seconds >= 1000


def test_what_is_fitted_takes_memory():
    popular, recent = run(drawn_log(num_items=50), "most_popular", "recently_popular")

    assert popular.memory_bytes == popular.as_json()["memory_bytes"] == 4 * 50
    assert recent.memory_bytes > popular.memory_bytes


def test_progress_rises_from_nothing_to_all():
    told = []
    split = splits.split(drawn_log(), name="time")
    made = [algorithms.make(name) for name in BASELINES]

    runner.run(split, algorithms=made, request=Request(), report=lambda *each: told.append(each))

    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert told[-1][0] == "ease: answered"


class Unwilling(Oracle):
    """Cannot be fitted."""

    name = "unwilling"

    def fit(self, log, **_):
        raise CannotFit("Too few events.")


def test_what_cannot_be_fitted_says_why_and_holds_up_nobody():
    split = splits.split(log_of(FOUR_EACH), name="leave-one-out")
    unfitted = {}

    found = runner.run(
        split, algorithms=[Unwilling(), Oracle()], request=Request(k=1), unfitted=unfitted
    )

    assert [result.algorithm for result in found] == ["oracle"]
    assert unfitted == {"unwilling": "Too few events."}


def test_a_comparison_of_which_only_popular_items_are_left_is_refused():
    split = splits.split(log_of(FOUR_EACH), name="leave-one-out")
    asked = [algorithms.make("most_popular"), Unwilling()]

    with pytest.raises(CannotFit, match="^Too few events.$"):
        runner.run(split, algorithms=asked, request=Request(k=1), unfitted={})
    with pytest.raises(CannotFit):
        runner.run(split, algorithms=[Unwilling(), Oracle()], request=Request(k=1))


def test_lists_come_with_the_numbers():
    split = splits.split(log_of(FOUR_EACH), name="leave-one-out")

    [result] = runner.run(split, algorithms=[Oracle(Setting(3))], request=Request(k=1))

    # Both are asked for d, the fourth item, and it is what the oracle ranks first.
    assert result.top.tolist() == [[3], [3]]
    assert result.per_user["ndcg"].tolist() == [1.0, 1.0]


class Counted(Oracle):
    """Remembers what it was fitted on, under a name of choice."""

    def __init__(self, name, *settings):
        super().__init__(*settings)
        self.name = name


class Mixing(WeightedSum):
    """Mixes two of these."""

    def __init__(self, *members):
        super().__init__([one.name for one in members])
        self.known = {one.name: one for one in members}

    def member(self, name):
        return self.known[name]


@pytest.mark.parametrize("split", splits.NAMES)
@pytest.mark.parametrize("is_last", [True, False])
def test_members_are_fitted_once_for_themselves_and_for_all_that_mix_them(split, is_last):
    one, other = Counted("one", Setting(1), Setting(2)), Counted("other", Setting(3))
    cut = splits.split(drawn_log(), name=split)
    mixing, again = Mixing(one, other), Mixing(one, other)
    asked = [one, other, mixing, again] if is_last else [mixing, again, one, other]

    found = runner.run(cut, algorithms=asked, request=Request())

    assert [result.algorithm for result in found] == [each.name for each in asked]
    # Each setting for validation; for the test the best one again, where that is on more events.
    again = split == splits.TIME
    assert len(one.logs) == 2 + again
    assert len(other.logs) == 1 + again


def test_a_mixture_is_learned_on_validation_and_takes_as_long_as_its_members():
    class Slow(Counted):
        def fit(self, log, **kwargs):
            return replace(super().fit(log, **kwargs), shared_seconds=500.0)

    # Validation asks for c, the test for d.
    right, wrong = Slow("right", Setting(2)), Slow("wrong", Setting(3))
    split = splits.split(log_of(FOUR_EACH), name="leave-one-out")

    [result] = runner.run(split, algorithms=[Mixing(right, wrong)], request=Request())

    assert result.validation_ndcg == 1.0
    assert result.fit_seconds >= 1000
    assert result.settings["members"] == ("right", "wrong")


def test_a_member_that_cannot_be_fitted_is_left_out_of_a_mixture():
    split = splits.split(log_of(FOUR_EACH), name="leave-one-out")
    oracle = Counted("oracle", Setting(3))

    [result] = runner.run(split, algorithms=[Mixing(Unwilling(), oracle)], request=Request(k=1))

    assert result.top.tolist() == [[3], [3]]
    with pytest.raises(CannotFit, match="no member that can be fitted. Too few events."):
        runner.run(split, algorithms=[Mixing(Unwilling())], request=Request(k=1))
