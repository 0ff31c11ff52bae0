"""Ours and the references on a small log: equal where both have one answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from benchmarks import references
from recommender.algorithms import matrices
from recommender.algorithms.factors import ALSSettings
from recommender.evaluation import splits
from tests.recommender.logs import drawn_log


@pytest.fixture
def small_als(monkeypatch):
    settings = ALSSettings(4, 0.03, 0.5, 0.0, num_passes=5)
    monkeypatch.setattr(references, "ALS", settings)
    method = replace(references.METHODS["als"], settings=settings)
    monkeypatch.setitem(references.METHODS, "als", method)


def scores_of_both(name, log):
    method = references.METHODS[name]
    users = np.arange(log.num_users, dtype=np.int32)
    ours = method.ours().fit(log, settings=method.settings, seed=0).scores(log, users=users)
    return ours, method.reference(matrices.choices(log), 0)


@pytest.mark.parametrize("name", ["item_knn", "ease", "slim", "als"])
def test_scores_are_those_of_the_reference(name, small_als):
    # Every item is chosen by somebody, so that both have the same columns.
    log = drawn_log(num_items=12)

    ours, theirs = scores_of_both(name, log)

    # The choice towards which implicit's ALS goes is 1, ours after division 1 / (1 + α).
    scale = 1.03 if name == "als" else 1.0
    np.testing.assert_allclose(ours * scale, theirs, rtol=2e-3, atol=2e-3)


def test_both_are_asked_the_same_and_a_ratio_is_told(small_als):
    test = splits.split(drawn_log(num_events=1500), name="leave-one-out", has_repeats=True).test

    ours, theirs = references.compare(references.METHODS["als"], test, seed=0, k=5)

    assert ours == pytest.approx(theirs, rel=0.02)
    assert 0 < ours < 1


def test_the_interval_of_a_ratio_by_hand():
    # Means 2 and 4, their errors 1 and 0: half is 1.96 · (2 / 4) · √(¼ + 0).
    assert references.spread(np.array([[1.0, 4.0], [3.0, 4.0]])) == " ± 0.490 over 2 seeds"
    assert references.spread(np.array([[1.0, 4.0]])) == ""


def test_a_method_below_its_reference_fails(tmp_path, monkeypatch, capsys):
    reads = splits.leave_one_out(drawn_log(), has_repeats=True)
    monkeypatch.setattr(references.datasets, "read", lambda folder: drawn_log())
    monkeypatch.setattr(references.splits, "split", lambda log, name: reads)
    for ours, status in ((0.98, 0), (0.97, 1)):
        monkeypatch.setattr(references, "compare", lambda *_, o=ours, **__: (o, 1.0))
        assert references.main(["--data", str(tmp_path), "--methods", "ease"]) == status
    assert (
        capsys.readouterr().out.splitlines()[-1]
        == "ease      numpy          0.9700  1.0000   0.970"
    )


def test_an_unknown_method_is_answered_with_those_there_are(tmp_path, capsys):
    with pytest.raises(SystemExit):
        references.main(["--data", str(tmp_path), "--methods", "eaze"])

    assert "no eaze; choose from item_knn,ease,slim,als,bpr" in capsys.readouterr().err


def test_the_library_is_given_rows_it_can_read():
    chosen = sparse.csr_array(np.eye(6, dtype=np.float32) + np.eye(6, k=1, dtype=np.float32))

    assert np.isfinite(references.implicit_bpr(chosen, 0)).all()
