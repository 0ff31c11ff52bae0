"""`manage.py track` from a folder to JSON."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

SHARED = Path(__file__).parents[3] / "../shared/data/movielens-latest-small"


@pytest.fixture
def folder(tmp_path):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        f"u{user},i{(user + number // 10) % 3},view,{(start + timedelta(hours=number)).isoformat()}"
        for user in range(6)
        for number in range(20)
    ]
    header = "user_id,item_id,kind,occurred_at"
    (tmp_path / "interactions.csv").write_text("\n".join([header, *rows]) + "\n")
    items = ["item_id,title,categories", "i0,A,x", "i1,B,x|y", "i2,C,z"]
    (tmp_path / "items.csv").write_text("\n".join(items) + "\n")
    return tmp_path


def test_track_writes_what_each_tracker_reached(folder, capsys):
    out = folder / "out.json"

    call_command("track", data=str(folder), trackers="own_shares,mixture", json=str(out))

    rows = json.loads(out.read_text())
    assert [row["tracker"] for row in rows] == ["own_shares", "mixture"]
    assert [row["events"] for row in rows] == [90, 90]
    assert rows[1]["cross_entropy"] < rows[0]["cross_entropy"]
    assert "over 90 events" in capsys.readouterr().out
    for row in rows:
        assert list(row["reliability_of_categories"]) == ["x", "y", "z", "uncategorised"]
        assert sum(row["resolution_of_categories"].values()) == pytest.approx(row["resolution"])
        assert "share_of_way" not in row


def test_with_a_bound_each_tracker_has_its_share_of_the_way(folder, capsys):
    out = folder / "out.json"

    call_command("track", data=str(folder), trackers="own_shares,decay", json=str(out), bound=0.5)

    own, decay = json.loads(out.read_text())
    best = min(own["cross_entropy"], decay["cross_entropy"])
    for row in (own, decay):
        assert row["share_of_way"] == pytest.approx((best - row["cross_entropy"]) / (best - 0.5))
    assert "0% of the way to the bound" in capsys.readouterr().out


def test_a_bound_that_was_passed_or_has_nothing_beside_it_is_refused(folder):
    with pytest.raises(CommandError, match="--bound must be below"):
        call_command("track", data=str(folder), trackers="decay", json=os.devnull, bound=9.0)
    with pytest.raises(CommandError, match="--bound needs a tracker beside it"):
        call_command("track", data=str(folder), trackers="mixture", json=os.devnull, bound=0.5)
    with pytest.raises(CommandError, match="--bound must be a number of nats, not nan."):
        call_command(
            "track", data=str(folder), trackers="decay", json=os.devnull, bound=float("nan")
        )


def test_a_seed_too_large_and_a_folder_to_write_to_are_refused_before_the_work(tmp_path):
    asked = {"data": "/nowhere", "trackers": "decay"}

    with pytest.raises(CommandError, match="--seed must be below 4,294,967,296"):
        call_command("track", json=os.devnull, seed=2**32, **asked)
    with pytest.raises(CommandError, match="it is a folder"):
        call_command("track", json=str(tmp_path), **asked)


def test_track_names_the_trackers_there_are(folder):
    with pytest.raises(CommandError, match="No tracker is called nonsense. There are: own_shares"):
        call_command("track", data=str(folder), trackers="nonsense", json=os.devnull)


def test_track_says_which_folder_is_missing(tmp_path):
    with pytest.raises(CommandError, match="is not a folder"):
        call_command("track", data=str(tmp_path / "no"), json=os.devnull)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_the_mixture_beats_the_best_classical_tracker_on_movielens(tmp_path):
    out = tmp_path / "out.json"

    call_command("track", data=str(SHARED), trackers="decay,mixture", json=str(out))

    decay, mixture = json.loads(out.read_text())
    assert decay["cross_entropy"] == pytest.approx(2.380, abs=0.003)
    assert mixture["cross_entropy"] <= 2.35
