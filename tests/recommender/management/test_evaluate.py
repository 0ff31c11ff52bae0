"""The command as its user sees it: table, JSON, and what it says to bad input."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from recommender.management.progress import Progress

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path):
    """A folder of 12 end users who walk through the even or the odd of 16 items."""
    lines = ["user_id,item_id,kind,occurred_at"]
    for number in range(12):
        for step in range(6):
            item = (number + 2 * step) % 16
            lines.append(f"u{number:02},i{item:02},view,2026-03-{step + 1:02}T{number:02}:00:00Z")
    (tmp_path / "interactions.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def run(folder, *options):
    out = io.StringIO()
    call_command("evaluate", "--data", str(folder), *options, stdout=out)
    return out.getvalue()


def test_json_is_a_list_with_one_entry_for_each_algorithm(folder, tmp_path):
    out = tmp_path / "evaluation.json"

    run(folder, "--algorithms", "item_knn", "--k", "3", "--seed", "4", "--json", str(out))

    rows = json.loads(out.read_text())
    assert [row["algorithm"] for row in rows] == ["most_popular", "recently_popular", "item_knn"]
    for row in rows:
        assert set(row["metrics"]) == {
            "recall@3", "precision@3", "ndcg@3", "map@3", "mrr@3", "coverage@3",
        }  # fmt: skip
        assert (row["k"], row["seed"], row["split"]) == (3, 4, "leave-one-out")
        assert (row["ties"], row["request_time"], row["repeats"]) == ("random", "unknown", False)
        assert row["num_users"] == 12
        assert len(row["targets_sha256"]) == 64
        assert {"intervals", "p_value", "segments", "fit_seconds", "score_seconds"} <= set(row)
        assert row["left_out"]["targets seen before"] == 0


def test_the_table_shows_values_with_intervals_and_what_was_left_out(folder):
    lines = run(folder, "--algorithms", "most_popular").splitlines()

    assert lines[0].startswith("leave-one-out: 12 end users, 12 targets;")
    assert lines[2].split() == [
        "algorithm", "validation", "ndcg@10", "recall@10", "precision@10", "map@10", "mrr@10",
        "coverage@10", "p", "fit", "s", "score", "s", "MB",
    ]  # fmt: skip
    assert lines[3].split()[0] == "most_popular"
    assert lines[3].count("±") == 5
    assert "Left out: targets seen before: 0." in lines
    assert "Left out: end users with fewer than 3 events: 0." in lines
    assert sum("baseline" in line.split() for line in lines[3:5]) == 1
    parts = lines.index("NDCG@10 of parts, and how many end users have a target in each")
    assert lines[parts + 1].split()[0] == "algorithm"
    assert lines[parts + 2].startswith("end users")
    assert [line.split()[0] for line in lines[parts + 3 :][:2]] == [
        "most_popular",
        "recently_popular",
    ]


def test_algorithms_of_the_same_settings_share_a_line(folder):
    out = run(folder, "--algorithms", "ease,random,weighted_sum,voting")

    assert out.count("chosen on validation: members") == 1
    assert "weighted_sum, voting: chosen on validation: members" in out


def test_no_database_is_asked(folder, tmp_path):
    """Without a running PostgreSQL, as engineers use it on a laptop."""
    environment = {
        **os.environ,
        "DATABASE_URL": "postgres://nobody@127.0.0.1:9/nothing",
        "REDIS_URL": "redis://127.0.0.1:9",
        "RECSITE_HOME": str(tmp_path / "home"),
        "DJANGO_SETTINGS_MODULE": "recsite.settings",
        "SECRET_KEY": "x" * 50,
    }
    command = [sys.executable, "manage.py", "evaluate", "--data", str(folder), "--split", "time"]

    done = subprocess.run(
        [*command, "--algorithms", "ease"], cwd=ROOT, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("time: ")


def test_help_has_an_example():
    done = subprocess.run(
        [sys.executable, "manage.py", "evaluate", "--help"], cwd=ROOT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip

    assert "manage.py evaluate --data DATA/movielens --split leave-one-out" in done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--algorithms", "eaze"], "There is no algorithm 'eaze'. Choose from: most_popular"),
        (["--k", "0"], "k must be from 1 to 1,000, not 0."),
        (["--k", "1000000"], "k must be from 1 to 1,000, not 1,000,000."),
        (["--seed", "-1"], "The seed must be 0 or more, not -1."),
        (["--seed", str(2**32)], "The seed must be below 4,294,967,296, not 4,294,967,296."),
        (["--json", str(ROOT)], f"Cannot write {ROOT}: it is a folder. Name a file in it."),
        (
            ["--json", "/no/such/folder/out.json"],
            "Cannot write /no/such/folder/out.json: No such file",
        ),
        (["--split", "weekly"], "invalid choice: 'weekly'"),
        (["--budget", "soon"], "'soon' is no duration above 0; write 90s, 10m or 1h."),
    ],
)
def test_bad_options_are_answered_in_words(folder, options, words):
    with pytest.raises(CommandError) as raised:
        run(folder, *options)

    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        (["a,x,view,2026-03-01", "a,y,view,2026-03-02"], [], "No end user has 3 events"),
        (["a,x,view,2026-03-01", "b,y,view,2026-03-01"], ["--split", "time"], "at different times"),
        (["a,x,view,2026-03-01"] * 3, [], "keep repeats (--repeats)"),
    ],
)
def test_too_little_data_is_answered_in_words(tmp_path, rows, options, words):
    text = "\n".join(["user_id,item_id,kind,occurred_at", *rows])
    (tmp_path / "interactions.csv").write_text(text)

    with pytest.raises(CommandError) as raised:
        run(tmp_path, *options)

    assert words in str(raised.value)


def test_a_folder_that_is_not_there_is_answered_in_words(tmp_path):
    with pytest.raises(CommandError, match="is not a folder"):
        run(tmp_path / "nowhere")


def test_a_catalogue_of_one_item_is_ranked_with_repeats(tmp_path):
    rows = [f"a,x,view,2026-03-0{day}" for day in range(1, 5)]
    text = "\n".join(["user_id,item_id,kind,occurred_at", *rows])
    (tmp_path / "interactions.csv").write_text(text)

    found = run(tmp_path, "--repeats", "--algorithms", "most_popular,item_knn,ease")

    for line in found.splitlines()[3:7]:
        assert line.split()[1] == "1.0000"


def test_progress_is_a_line_a_minute_where_nobody_watches_a_bar(monkeypatch):
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    stream = io.StringIO()

    with Progress(stream) as progress:
        for second in range(0, 130, 10):
            now = float(second)
            progress("ease: answering", second / 130)

    assert stream.getvalue() == " 46% ease: answering\n 92% ease: answering\n"


def test_what_cannot_be_fitted_is_told_below_the_table(folder, tmp_path, monkeypatch):
    from recommender.algorithms.neighbours import ItemKNN
    from recommender.algorithms.protocol import CannotFit

    def refuse(self, log, **_):
        raise CannotFit("Too few end users.")

    monkeypatch.setattr(ItemKNN, "fit", refuse)
    out = tmp_path / "evaluation.json"

    lines = run(folder, "--algorithms", "item_knn,ease", "--json", str(out)).splitlines()

    assert "item_knn could not be fitted: Too few end users." in lines
    assert "item_knn" not in [row["algorithm"] for row in json.loads(out.read_text())]
    with pytest.raises(CommandError, match=r"^Too few end users\.$"):
        run(folder, "--algorithms", "item_knn")
