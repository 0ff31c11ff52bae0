from __future__ import annotations

from benchmarks.training_table import Row, our_targets, peer_targets, table, verdicts
from tests.recommender.logs import log_of

PEER = Row("peer", targets=1_000, seconds=(200.0, 300.0, 100.0), peak_mb=1630.4, note="batches: 9")
OURS = Row("ours", targets=1_500, seconds=(20.0, 20.0, 25.0), peak_mb=528.0, note="epochs: 1+1+1")
LOG = log_of(
    [("a", "x", 1), ("a", "y", 2), ("a", "z", 3), ("a", "x", 4), ("b", "x", 1), ("c", "x", 1), ("c", "y", 2)]
)  # fmt: skip


def test_targets_are_all_but_the_first_and_for_the_peer_the_last_few():
    assert our_targets(LOG) == 3 + 0 + 1
    assert peer_targets(LOG, max_length=2) == 2 + 0 + 1
    assert peer_targets(LOG, max_length=50) == 4


def test_table_has_the_median_round_and_its_rate():
    lines = table([PEER, OURS])

    assert [line.split() for line in lines] == [
        ["what", "s/epoch", "events/epoch", "events/s", "peak", "MB", "timed"],
        ["peer", "200.0", "1,000", "5", "1,630", "batches:", "9"],
        ["ours", "20.0", "1,500", "75", "528", "epochs:", "1+1+1"],
    ]


def test_verdicts_compare_within_rounds():
    [line] = verdicts([PEER, OURS], aim=3)

    # 200 / 20, 300 / 20 and 100 / 25; half as many events again in an epoch of ours.
    assert line == (
        "ours: epochs 10.0 times as fast (4.0 to 15.0 in 3 rounds; to reach: 3), "
        "15.0 times the events a second."
    )


def test_verdicts_has_a_line_for_each_of_ours():
    lines = verdicts([PEER, OURS, OURS], aim=10)

    assert len(lines) == 2
