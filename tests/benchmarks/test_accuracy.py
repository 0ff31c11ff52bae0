"""The queue of accuracy: what is kept, what is done again, and the table."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import accuracy, accuracy_jobs, accuracy_table
from benchmarks.accuracy_jobs import Job, Outcome
from recommender.algorithms.protocol import CannotFit
from recommender.evaluation import runner, significance

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 120


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of 30 end users who walk through the even or the odd of 16 items."""
    lines = ["user_id,item_id,kind,occurred_at"]
    for number in range(30):
        for step in range(6):
            item = (number + 2 * step) % 16
            lines.append(
                f"u{number:02},i{item:02},view,2026-03-{step * 4 + number % 4 + 1:02}T{number % 24:02}:00:00Z"
            )
    made = tmp_path / "walks"
    made.mkdir()
    (made / "interactions.csv").write_text("\n".join(lines) + "\n")
    return made


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "experiments.md"
    path.write_text(f"# Before\n\n{accuracy_table.BEGIN}\nold\n{accuracy_table.END}\n\n## After\n")
    return path


def arguments(folder: Path, document: Path, *more: str) -> list[str]:
    return [
        "--data", str(folder), "--queue", str(document.parent / "queue"),
        "--document", str(document), *more,
    ]  # fmt: skip


def table_of(document: Path) -> list[list[str]]:
    """Return the cells of the table's rows, without its two head lines."""
    rows = [line for line in document.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]]


def test_a_queue_ends_in_one_file_a_job_and_a_table_between_the_marks(folder, document):
    status = accuracy.main(
        arguments(folder, document, "--algorithms", "item_knn,als", "--seeds", "0,1", "--k", "3")
    )

    queue = document.parent / "queue"
    jobs = [f"{name}.seed0" for name in ("als", "item_knn", "most_popular", "recently_popular")]
    jobs.insert(1, "als.seed1")
    assert status == 0
    for split in ("leave-one-out", "time"):
        found = sorted(path.name for path in queue.glob(f"walks.{split}.*.json"))
        assert found == sorted(f"walks.{split}.random-ties.k3.any.{job}.json" for job in jobs)
    assert not list(queue.glob("*.part"))
    text = document.read_text()
    assert text.startswith(f"# Before\n\n{accuracy_table.BEGIN}\n")
    assert text.endswith(f"\n{accuracy_table.END}\n\n## After\n")
    assert "old" not in text
    assert (
        "**walks, leave-one-out**, @3, ties random, no time limit; 30 end users, targets " in text
    )
    rows = table_of(document)
    names = ["most_popular", "recently_popular", "item_knn", "als"]
    titles = [row for row in rows if row[0] == "algorithm"]
    assert len(titles) == 1  # of the second table; that of the first is left out above
    assert [row[0] for row in rows if row[0] != "algorithm"] == names * 2
    assert [row[4] for row in rows[:4]] == ["1", "1", "1", "2"]


def test_what_is_done_is_skipped_and_the_table_is_the_same(folder, document, monkeypatch):
    accuracy.main(arguments(folder, document, "--algorithms", "item_knn"))
    text = document.read_text()
    monkeypatch.setattr(runner, "run", lambda *_, **__: pytest.fail("this job was done"))

    again = accuracy.main(arguments(folder, document, "--algorithms", "item_knn"))
    table_alone = accuracy.main(arguments(folder, document, "--table"))

    assert (again, table_alone) == (0, 0)
    assert document.read_text() == text


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(
    folder, document, monkeypatch, capsys
):
    asked = arguments(folder, document, "--algorithms", "item_knn", "--split", "time")
    run, calls = runner.run, []

    def interrupted(*args, **kwargs):
        calls.append(kwargs["algorithms"][0].name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return run(*args, **kwargs)

    monkeypatch.setattr(runner, "run", interrupted)
    stopped = accuracy.main(asked)
    kept = {path: path.read_bytes() for path in (document.parent / "queue").iterdir()}
    status = accuracy.main(asked)

    assert (stopped, status) == (accuracy.STOPPED, 0)
    assert "The same command goes on" in capsys.readouterr().err
    assert calls == ["most_popular", "recently_popular", "item_knn", "item_knn"]
    assert len(kept) == 4
    assert {path: path.read_bytes() for path in kept} == kept
    assert len(table_of(document)) == 3


def test_after_kill_9_every_file_is_whole_and_the_rest_is_done(folder, document):
    seeds = ",".join(map(str, range(20)))
    asked = arguments(
        folder, document, "--algorithms", "als", "--split", "leave-one-out", "--seeds", seeds
    )
    command = [sys.executable, "-m", "benchmarks.accuracy", *asked]
    queue = document.parent / "queue"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(list(queue.glob("*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    kept = {path: path.read_bytes() for path in queue.glob("*.json")}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert 3 <= len(kept) < 22
    for path, content in kept.items():
        assert json.loads(content)["metrics"]["ndcg@10"] >= 0
        assert path.read_bytes() == content
    assert done.returncode == 0, done.stderr
    assert f"22 jobs, {len(kept)} of them done before." in done.stdout
    assert len(accuracy_jobs.finished(queue)) == 22
    assert table_of(document)[2][4] == "20"


def test_a_job_that_cannot_be_done_is_told_of_and_tried_again(folder, document, monkeypatch):
    asked = arguments(folder, document, "--algorithms", "most_popular", "--split", "time")
    run = runner.run

    def refuse(*args, algorithms, **kwargs):
        if algorithms[0].name == "most_popular":
            raise CannotFit("too little of everything")
        return run(*args, algorithms=algorithms, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(runner, "run", refuse)
        status = accuracy.main(asked)
    failed_text = document.read_text()
    again = accuracy.main(asked)

    assert (status, again) == (1, 0)
    assert "- most_popular, seed 0, failed: too little of everything" in failed_text
    assert [row[0] for row in table_of(document)] == ["most_popular", "recently_popular"]
    assert "failed" not in document.read_text()


def outcome(algorithm: str, ndcg: list[float], *, seed: int = 0, **fields) -> Outcome:
    job = Job("x/toy", "time", "random", 10, 600.0, algorithm, seed)
    row = {
        "targets_sha256": "f" * 64, "is_baseline": True, "validation_ndcg": 0.1, "settings": {},
        "fit_seconds": 30.0, "choose_seconds": 60.0,
    }  # fmt: skip
    values = np.array(ndcg)
    return Outcome(job, row | fields, "", values, values / 2)


def test_the_table_has_means_over_seeds_and_tests_against_the_best_on_validation():
    network = [[0.2, 0.4, 0.6, 0.8], [0.4, 0.4, 0.8, 0.8]]
    network_fields = {"is_baseline": False, "validation_ndcg": None}
    outcomes = [
        outcome("most_popular", [0.9, 0.9, 0.9, 0.9]),  # better on the test only
        outcome("ease", [0.1, 0.2, 0.3, 0.4], validation_ndcg=0.2, settings={"λ": 5}),
        *(
            outcome("interest_network", own, seed=seed, fit_seconds=60.0 * seed, **network_fields)
            for seed, own in enumerate(network)
        ),
    ]

    lines = list(accuracy_table.lines(outcomes))

    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[5:]]
    by_name = {row[0]: dict(zip(accuracy_table.HEADER, row, strict=True)) for row in rows}
    assert list(by_name) == ["most_popular", "ease", "interest_network"]
    ease, ours = by_name["ease"], by_name["interest_network"]
    assert (ease["p"], ease["settings"], ease["spread"]) == ("baseline", "λ 5", "")
    # Seeds: means .5 and .6, so .55 with a standard deviation of .1 / √2; 0 and 1 minutes.
    assert ours["NDCG"].startswith("0.5500 ± ")
    assert ours["recall"].startswith("0.2750 ± ")
    assert (ours["seeds"], ours["spread"], ours["fit min"]) == ("2", "0.0707", "0.50")
    expected = significance.paired_p_value(
        np.array([0.3, 0.4, 0.7, 0.8]), np.array([0.1, 0.2, 0.3, 0.4]), seed=0
    )
    assert ours["p"] == f"{expected:.4f}"
    assert "toy, time**, @10, ties random, 10 minutes a fit; 4 end users" in lines[1]


def test_jobs_of_different_questions_are_not_put_into_one_table():
    outcomes = [outcome("ease", [0.1]), outcome("als", [0.1], targets_sha256="0" * 64)]

    with pytest.raises(accuracy_table.CannotWrite, match="asked different questions"):
        list(accuracy_table.lines(outcomes))


def test_a_damaged_file_is_named(folder, document, capsys):
    asked = arguments(folder, document, "--algorithms", "most_popular", "--split", "time")
    accuracy.main(asked)
    path = document.parent / "queue/walks.time.random-ties.k10.any.most_popular.seed0.json"
    path.write_text(path.read_text()[:100])

    with pytest.raises(SystemExit):
        accuracy.main(asked)

    assert f"{path} is damaged. Delete it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--algorithms", "eaze"], "There is no algorithm 'eaze'"),
        (["--seeds", "a,b"], "'a,b' are no seeds; write 0,1,2."),
        (["--seeds", "-1"], "The seed must be 0 or more"),
        (["--k", "0"], "k must be from 1 to 1,000"),
        (["--data", "elsewhere/walks"], "Two data folders have the same name"),
        (["--data", "no/such"], "is not a folder"),
    ],
)
def test_bad_options_are_answered_in_words(folder, document, more, said, capsys):
    with pytest.raises(SystemExit):
        accuracy.main(arguments(folder, document, "--algorithms", "most_popular", *more))

    assert said in " ".join(capsys.readouterr().err.split())


def test_without_data_or_table_there_is_nothing_to_do(tmp_path, capsys):
    with pytest.raises(SystemExit):
        accuracy.main(["--queue", str(tmp_path)])

    assert "Name a data folder with --data" in capsys.readouterr().err


def test_a_document_without_marks_is_refused_before_anything_is_lost(folder, tmp_path, capsys):
    path = tmp_path / "notes.md"
    path.write_text("Mine.\n")

    with pytest.raises(SystemExit):
        accuracy.main(["--queue", str(tmp_path / "queue"), "--table", "--document", str(path)])

    assert "add the lines <!-- accuracy" in capsys.readouterr().err
    assert path.read_text() == "Mine.\n"


def test_the_projects_document_has_a_place_for_the_table():
    text = (ROOT / "docs/experiments.md").read_text()

    assert text.index(accuracy_table.BEGIN) < text.index(accuracy_table.END)
