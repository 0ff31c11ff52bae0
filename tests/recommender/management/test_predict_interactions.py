"""The command as its user sees it: table, JSON, and what it says to bad input."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path):
    """A folder of 12 end users who rate the even items high, and walk through them or the odd ones."""
    lines = ["user_id,item_id,kind,occurred_at,value"]
    for number in range(12):
        for step in range(8):
            item = (number + 2 * step) % 16
            value = 5 - 3 * (item % 2) - step % 2
            lines.append(f"u{number:02},i{item:02},rating,2026-03-{step + 1:02}T{number:02}:00:00Z,{value}")  # fmt: skip
    (tmp_path / "interactions.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def run(folder, *options):
    out = io.StringIO()
    call_command("predict_interactions", "--data", str(folder), *options, stdout=out)
    return out.getvalue()


def test_the_table_has_the_means_first_and_each_value_with_its_interval(folder):
    lines = run(folder, "--algorithms", "svm", "--folds", "3").splitlines()

    assert lines[0].startswith("choice: ")
    assert " questions about 12 people in 3 folds, " in lines[0]
    assert lines[2].split() == [
        "algorithm", "accuracy", "precision", "recall", "f1", "auc", "log", "loss", "mae", "rmse",
        "fit", "s", "answer", "s",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[3:]] == ["base_rate", "mean_of_item", "svm"]
    assert [line.count("±") for line in lines[3:]] == [8, 8, 8]


def test_json_has_one_entry_for_each_row(folder, tmp_path):
    out = tmp_path / "out.json"

    run(folder, "--algorithms", "linear_regression", "--task", "rating", "--folds", "2",
        "--seed", "3", "--json", str(out))  # fmt: skip

    rows = json.loads(out.read_text())
    assert [row["algorithm"] for row in rows] == [
        "mean_of_all", "mean_of_person", "mean_of_item", "linear_regression",
    ]  # fmt: skip
    for row in rows:
        assert set(row["metrics"]) == set(row["intervals"]) == {"mae", "rmse"}
        assert (row["task"], row["seed"], row["num_folds"], row["ties"]) == ("rating", 3, 2, "random")  # fmt: skip
        assert (row["num_questions"], row["num_people"], len(row["folds"])) == (96, 12, 2)
        assert row["share_of_yes"] is None
    assert rows[3]["settings"] == {"regularisation": 1.0}


def test_a_like_may_begin_at_a_value(folder):
    found = run(folder, "--algorithms", "svm", "--task", "like", "--like-from", "5", "--folds", "2")

    # Even items of even steps, of people who walk through the even ones: 6 of 12 people, 4 of 8 steps.
    assert found.splitlines()[0].startswith(
        "like: 96 questions about 12 people in 2 folds, 25.0% of them yes;"
    )


def test_help_has_an_example():
    done = subprocess.run(
        [sys.executable, "manage.py", "predict_interactions", "--help"], cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "manage.py predict_interactions --data DATA/movielens --algorithms all" in done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--algorithms", "swm"], "There is no algorithm 'swm'"),
        (["--algorithms", "ease"], "ease cannot. In the task choice these answer"),
        (["--folds", "1"], "Folds must be from 2 to 50, not 1."),
        (["--folds", "13", "--algorithms", "svm"], "12 people cannot be dealt into 13 folds"),
        (["--seed", "-1"], "--seed must be 0 or more, not -1."),
        (["--seed", str(2**32)], "--seed must be below 4,294,967,296, not 4,294,967,296."),
        (["--task", "like", "--like-from", "nan"], "--like-from must be a number, not nan."),
        (["--json", str(ROOT)], f"Cannot write {ROOT}: it is a folder. Name a file in it."),
        (["--like-from", "3"], "--like-from is for --task like."),
        (["--task", "dance"], "invalid choice: 'dance'"),
        (["--json", "/no/such/folder/out.json"], "Cannot write /no/such/folder/out.json: No such file"),
    ],
)  # fmt: skip
def test_bad_options_are_answered_in_words(folder, options, words):
    with pytest.raises(CommandError) as raised:
        run(folder, *options)

    assert words in str(raised.value)


def test_a_folder_that_is_not_there_is_answered_in_words(tmp_path):
    with pytest.raises(CommandError, match="is not a folder"):
        run(tmp_path / "nowhere", "--algorithms", "svm")
