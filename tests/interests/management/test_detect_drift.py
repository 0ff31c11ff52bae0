"""`manage.py detect_drift` from a folder to a file of alarms."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

SHARED = Path(__file__).parents[3] / "../shared"
HEADER = "user_id,detected_at,change_at,score,rising,falling"


@pytest.fixture
def folder(tmp_path):
    """One person goes from x to y at the event of March 1st, 00:00; the other keeps to x and z."""
    rows = []
    for day in range(120):
        item = "ix" if day < 59 else "iy"
        rows.append(f"changed,{item if day % 3 else 'iz'},view,{_day(day)}T00:00:00Z")
        rows.append(f"stable,{'ix' if day % 3 else 'iz'},view,{_day(day)}T00:00:00Z")
    lines = ["user_id,item_id,kind,occurred_at", *rows]
    (tmp_path / "interactions.csv").write_text("\n".join(lines) + "\n")
    items = [
        "item_id,title,categories",
        "ix,X,x",
        "iy,Y,y",
        "iz,Z,z",
        *(f"i{n},N,n{n}" for n in range(6)),
    ]
    (tmp_path / "items.csv").write_text("\n".join(items) + "\n")
    return tmp_path


def _day(day):
    month, start = next((m, s) for m, s in ((4, 90), (3, 59), (2, 31), (1, 0)) if day >= s)
    return f"2026-{month:02}-{day - start + 1:02}"


def test_detect_drift_writes_when_what_rose_and_what_fell(folder, capsys):
    out = folder / "alarms.csv"

    call_command("detect_drift", data=str(folder), out=str(out))

    header, (row,) = (
        out.read_text().splitlines()[0],
        list(csv.DictReader(out.read_text().splitlines())),
    )
    assert header == HEADER
    assert (row["user_id"], row["rising"], row["falling"]) == ("changed", "y", "x")
    assert "2026-03-01" <= row["change_at"][:10] <= "2026-03-02"
    assert row["change_at"] < row["detected_at"] < "2026-04-01"
    assert float(row["score"]) >= 6.5
    assert "1 drift events of 1 end users in 240 events of 2" in capsys.readouterr().out


def test_detect_drift_writes_a_header_where_nothing_changed(folder):
    lines = (folder / "interactions.csv").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("changed")]
    (folder / "interactions.csv").write_text("\n".join(kept) + "\n")
    out = folder / "alarms.csv"

    call_command("detect_drift", data=str(folder), out=str(out))

    assert out.read_text() == HEADER + "\n"


def test_an_alarm_knows_no_later_event(folder):
    call_command("detect_drift", data=str(folder), out=str(folder / "all.csv"))
    (row,) = csv.DictReader((folder / "all.csv").read_text().splitlines())
    lines = (folder / "interactions.csv").read_text().splitlines()
    day = row["detected_at"][:10]
    kept = [line for line in lines if line.rsplit(",", 1)[1][:10] <= day or line == lines[0]]
    (folder / "interactions.csv").write_text("\n".join(kept) + "\n")

    call_command("detect_drift", data=str(folder), out=str(folder / "head.csv"))

    assert (folder / "head.csv").read_text() == (folder / "all.csv").read_text()


def test_detect_drift_says_what_is_wrong(folder, tmp_path):
    with pytest.raises(CommandError, match="is not a folder"):
        call_command("detect_drift", data=str(tmp_path / "no"), out="x.csv")
    with pytest.raises(CommandError, match="must be above 0"):
        call_command("detect_drift", data=str(folder), out="x.csv", false_alarms=0.0)
    with pytest.raises(CommandError, match="must be above 0 and not without end"):
        call_command("detect_drift", data=str(folder), out="x.csv", false_alarms=float("inf"))
    with pytest.raises(CommandError, match="Cannot write"):
        call_command("detect_drift", data=str(folder), out=str(tmp_path / "no" / "x.csv"))


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_the_drift_streams_are_scored_as_promised(tmp_path):
    data, out = SHARED / "data/drift-streams", tmp_path / "alarms.csv"

    call_command("detect_drift", data=str(data), out=str(out))

    command = [sys.executable, str(SHARED / "tools/score_drift.py"), str(data), str(out)]
    score = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert score["f1"] >= 0.65
    assert score["false_alarms_per_1000_stable_events"] <= 1.5
    assert score["median_delay_events"] <= 24
