"""The command as its user sees it: studies of a folder, studies of the site, and what is put to use."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from interests.models import ChosenSettings
from recommender import tasks
from recommender.management.commands import tune
from recommender.models import Study, Trial
from tests import factories


@pytest.fixture
def folder(tmp_path):
    """A folder of 16 end users who walk through the even or the odd of 20 items."""
    lines = ["user_id,item_id,kind,occurred_at"]
    for number in range(16):
        for step in range(7):
            item = (number + 2 * step) % 20
            lines.append(f"u{number:02},i{item:02},view,2026-03-{step + 1:02}T{number:02}:00:00Z")
    (tmp_path / "interactions.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def run(*options, **streams):
    out = io.StringIO()
    call_command("tune", *options, stdout=out, **streams)
    return out.getvalue()


def test_a_folder_is_studied_without_a_database_and_the_same_seed_gives_the_same(folder, tmp_path):
    out = tmp_path / "study.json"
    asked = ("--algorithm", "ease", "--data", str(folder), "--trials", "6", "--json", str(out))

    text = run(*asked)
    first = json.loads(out.read_text())
    run(*asked)

    again = json.loads(out.read_text())
    assert [one["settings"] for one in again["trials"]] == [
        one["settings"] for one in first["trials"]
    ]
    assert [one["number"] for one in first["trials"]] == [0, 1, 2, 3, 4, 5]
    assert first["start"]["settings"] == {"regularisation": 200.0, "half_life": None}
    values = [one["validation_ndcg"] for one in first["trials"]]
    assert first["best"]["validation_ndcg"] == max(values)
    lines = text.splitlines()
    assert lines[0].split() == ["trial", "NDCG@10", "s", "settings"]
    assert len(lines) == 9
    assert ("The test was not opened." in lines[8]) or ("Nothing was better" in lines[8])


def test_several_processes_do_the_trials_of_a_grid_once_each(folder):
    text = run("--algorithm", "ease", "--data", str(folder), "--trials", "5", "--sampler", "grid", "--workers", "2")  # fmt: skip

    numbers = [line.split()[0] for line in text.splitlines()[1:6]]
    assert sorted(numbers) == ["0", "1", "2", "3", "4"]


def test_several_processes_search_as_one_does_where_nothing_is_said_of_how(folder):
    text = run("--algorithm", "ease", "--data", str(folder), "--trials", "3", "--workers", "2")

    assert sorted(line.split()[0] for line in text.splitlines()[1:4]) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "Say which: --algorithm NAME."),
        (["--algorithm", "eaze"], "There is no algorithm 'eaze'."),
        (["--algorithm", "most_popular"], "most_popular has no settings to choose."),
        (["--algorithm", "ease", "--trials", "1"], "--trials must be from 2 to 1,000"),
        (["--algorithm", "ease", "--seed", str(2**32)], "--seed must be below 4,294,967,296"),
        (["--algorithm", "ease", "--json", "/"], "Cannot write /: it is a folder."),
    ],
)
def test_what_cannot_be_studied_is_said_in_words(folder, options, words):
    with pytest.raises(CommandError, match=words):
        run("--data", str(folder), *options)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_folder_that_cannot_be_split_is_answered_in_words(tmp_path, workers):
    with pytest.raises(CommandError, match="is not a folder"):
        run("--algorithm", "ease", "--data", str(tmp_path / "nowhere"), "--workers", workers)


@pytest.mark.django_db
def test_a_study_of_the_site_is_asked_for_and_followed_to_its_end(monkeypatch, tmp_path):
    def work(study):
        for number, value in ((0, 0.1), (1, 0.2)):
            Trial.objects.create(**factories.done(study=study, number=number, value=value, settings={"width": 8 * number}))  # fmt: skip
        Study.objects.filter(pk=study.pk).update(**factories.done(results={"importances": {"width": 1.0}}))  # fmt: skip
        return True

    monkeypatch.setattr(tasks, "enqueue_run", work)
    monkeypatch.setattr(tune, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(tune.connection, "close", lambda: None)
    out = tmp_path / "study.json"

    text = run("--algorithm", "als", "--trials", "2", "--workers", "3", "--json", str(out), stderr=io.StringIO())  # fmt: skip

    study = Study.objects.get()
    assert (study.algorithm, study.num_trials, study.max_at_once) == ("als", 2, 3)
    lines = text.splitlines()
    assert lines[0] == f"Study {study.pk} of als is asked for."
    assert lines[3].split() == ["1", "0.2000", "0.0", "width", "8"]
    assert lines[-2:] == [
        "Best: trial 1, NDCG@10 0.2000 on validation, +100.0% to the usual settings' 0.1000. The test was not opened.",
        "What decides: width 100%.",
    ]
    assert json.loads(out.read_text())["best"]["number"] == 1


@pytest.mark.django_db
def test_the_best_settings_are_used_and_taken_back_by_command():
    best = {"number": 4, "ndcg": 0.2, "params": {"regularisation": 40.0, "half_life": None}}
    study = Study.objects.create(**factories.done(algorithm="ease", results={"best": best}))

    said = run("--use", str(study.pk))

    assert said == (
        "The next evaluation and publication of ease is made with half_life none, regularisation 40.\n"
    )
    assert ChosenSettings.objects.get().settings == best["params"]
    assert run("--use-usual", "ease") == "ease is used with its usual settings again.\n"
    with pytest.raises(CommandError, match="ease is used with its usual settings already."):
        run("--use-usual", "ease")
    with pytest.raises(CommandError, match=f"There is no study {study.pk + 1}."):
        run("--use", str(study.pk + 1))
