"""Estimates by hand, and on made-up logs whose true value is known."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.evaluation import off_policy
from recommender.evaluation.off_policy import CannotEstimate

REWARDS = np.array([1.0, 0.0, 1.0, 0.0])
GIVEN = {
    "propensities": np.array([0.5, 0.5, 0.25, 0.25]),
    "wanted": np.array([1.0, 0.5, 0.0, 0.25]),
}


def test_estimates_by_hand():
    # Weights 2, 1, 0, 1.
    foretold = {"foretold": np.full(4, 0.5), "foretold_of_policy": np.full(4, 0.25)}

    ips = off_policy.ips(REWARDS, **GIVEN)
    snips = off_policy.snips(REWARDS, **GIVEN)
    robust = off_policy.doubly_robust(REWARDS, **GIVEN, **foretold)

    assert (ips.value, snips.value) == (2 / 4, 2 / 4)
    # 2 (1 - 0.5), 1 (0 - 0.5), 0, 1 (0 - 0.5): 0 on the whole, besides 0.25.
    assert robust.value == 0.25
    assert (ips.mean_weight, ips.effective) == (1.0, pytest.approx(16 / 6))
    # Terms 2, 0, 0, 0 around 0.5: 3 over 3 and 4.
    assert ips.variance == pytest.approx(1 / 4)
    assert (ips.low, ips.high) == pytest.approx((0.5 - 1.959964 / 2, 0.5 + 1.959964 / 2))
    # 2 (1 - 0.5), 1 (0 - 0.5), 0, 1 (0 - 0.5): squares 1 + 1/4 + 1/4.
    assert snips.variance == pytest.approx(1.5 / 12)


@pytest.fixture(scope="module")
def logs():
    """Draw 300 logs of 400 answers, of five items in three contexts, by a policy that explores; and the truth."""
    random = np.random.default_rng(0)
    liked = random.uniform(0.05, 0.6, (3, 5))
    logging = np.full((3, 5), 0.4 / 5)
    logging[np.arange(3), liked.argmin(axis=1)] += 0.6
    policy = np.full((3, 5), 0.1 / 5)
    policy[np.arange(3), liked.argmax(axis=1)] += 0.9
    contexts = random.integers(0, 3, (300, 400))
    draws = random.random((300, 400, 1))
    items = (draws > logging.cumsum(axis=1)[contexts]).sum(axis=2)
    rewards = (random.random((300, 400)) < liked[contexts, items]).astype(float)
    return contexts, items, rewards, logging, policy, liked


def estimates(logs, *, error):
    """Estimate each log in three ways; rewards are foretold with an error."""
    contexts, items, rewards, logging, policy, liked = logs
    foretold = liked + error
    found = []
    for where, shown, own in zip(contexts, items, rewards, strict=True):
        given = {"propensities": logging[where, shown], "wanted": policy[where, shown]}
        found.append(
            [
                off_policy.ips(own, **given),
                off_policy.snips(own, **given),
                off_policy.doubly_robust(
                    own,
                    **given,
                    foretold=foretold[where, shown],
                    foretold_of_policy=(policy * foretold).sum(axis=1)[where],
                ),
            ]
        )
    return found


@pytest.mark.parametrize("error", [0.0, 0.1, -0.2])
def test_the_true_value_is_met_without_bias_and_lies_in_the_intervals(logs, error):
    *_, policy, liked = logs
    truth = (policy * liked).sum(axis=1).mean()

    for column in zip(*estimates(logs, error=error), strict=True):
        values = np.array([one.value for one in column])
        # Three standard errors of the mean over logs.
        assert abs(values.mean() - truth) < 3 * values.std() / np.sqrt(len(values)) + 0.003
        covered = np.mean([one.low <= truth <= one.high for one in column])
        assert covered > 0.88
        assert np.mean([one.variance for one in column]) == pytest.approx(values.var(), rel=0.3)


def test_foretold_rewards_make_the_estimate_narrower(logs):
    ips, _, robust = zip(*estimates(logs, error=0.1), strict=True)

    ips_spread, robust_spread = (np.var([one.value for one in each]) for each in (ips, robust))

    assert robust_spread < 0.7 * ips_spread
    is_narrower = [one.variance < other.variance for one, other in zip(robust, ips, strict=True)]
    assert np.mean(is_narrower) > 0.95


def test_the_mean_reward_of_the_logs_themselves_is_far_from_it(logs):
    *_, rewards, _, policy, liked = logs
    truth = (policy * liked).sum(axis=1).mean()

    assert rewards.mean() < truth - 0.1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"propensities": np.array([0.0, 0.5, 0.5, 0.5])}, "above 0 and at most 1"),
        ({"propensities": np.array([0.5])}, "a reward, a propensity and a chance"),
        ({"wanted": np.array([2.0, 0.5, 0.5, 0.5])}, "from 0 to 1"),
    ],
)
@pytest.mark.parametrize("estimate", [off_policy.ips, off_policy.snips])
def test_logs_that_tell_nothing_are_refused_in_words(estimate, changes, words):
    with pytest.raises(CannotEstimate, match=words):
        estimate(REWARDS, **{**GIVEN, **changes})


def test_too_few_answers_or_none_of_the_policy_are_refused_in_words():
    one = {"propensities": np.ones(1), "wanted": np.ones(1)}
    with pytest.raises(CannotEstimate, match="at least two"):
        off_policy.ips(np.ones(1), **one)
    with pytest.raises(CannotEstimate, match="none of these answers"):
        off_policy.snips(REWARDS, propensities=np.ones(4), wanted=np.zeros(4))
    with pytest.raises(CannotEstimate, match="both foretold rewards"):
        off_policy.doubly_robust(
            REWARDS, **GIVEN, foretold=np.zeros(3), foretold_of_policy=np.zeros(4)
        )
