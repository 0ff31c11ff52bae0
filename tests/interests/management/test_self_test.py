from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from interests.drift import streams, writing


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    recipe = streams.Recipe(
        num_users=24, num_items=60, num_categories=5, is_shop=False, behaviours=(1.0,)
    )
    population = streams.simulate(recipe=recipe, seed=2, now_ms=1_790_000_000_000)
    writing.write(population, folder=folder)
    return folder


def test_self_test_prints_and_writes_what_each_threshold_reaches(folder, tmp_path, capsys):
    out = tmp_path / "out.json"

    call_command("self_test", data=str(folder), budget=2.0, json=str(out))

    said = capsys.readouterr().out.splitlines()
    written = json.loads(out.read_text())
    assert said[0].endswith("of 24 end users; * is the product's threshold")
    assert len(said) == 2 + len(written["reached"]) + 1
    assert sum("*" in line for line in said[2:]) == 1
    within = [row for row in written["reached"] if row["false_alarms_per_1000"] <= 2.0]
    best = min(row["threshold"] for row in within)
    assert said[-1].startswith(
        f"Within 2 false alarms per 1,000 events: threshold {best:.2f}, which"
    )
    assert written["num_changes"] == 24


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"budget": 0.0}, "--budget must be above 0"),
        ({"users": 0}, "--users must be 1 or more"),
        ({"seed": -1}, "--seed must be 0 or more"),
        ({"seed": 2**32}, "--seed must be below 4,294,967,296"),
        ({"budget": float("inf")}, "--budget must be above 0"),
        ({"json": "/"}, "Cannot write /: it is a folder."),
        ({"data": "/nowhere"}, "/nowhere"),
    ],
)
def test_self_test_refuses_what_makes_no_sense(folder, options, words):
    with pytest.raises(CommandError, match=words):
        call_command("self_test", **{"data": str(folder), **options})
