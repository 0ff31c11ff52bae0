from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

ARGUMENTS = ["--users", "5", "--items", "100", "--now", "2026-03-31T18:05:00Z"]


def test_simulate_writes_the_files_and_says_how_much(tmp_path, capsys):
    call_command("simulate", str(tmp_path), *ARGUMENTS)

    lines = (tmp_path / "interactions.csv").read_text().splitlines()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "interactions.csv",
        "items.csv",
        "truth.csv",
        "users.csv",
    ]
    said = capsys.readouterr().out
    assert said.startswith(f"{len(lines) - 1:,} events of 5 end users with ")


def test_simulate_twice_writes_equal_files(tmp_path):
    call_command("simulate", str(tmp_path / "a"), *ARGUMENTS)
    call_command("simulate", str(tmp_path / "b"), *ARGUMENTS)

    one, two = ((tmp_path / name / "interactions.csv").read_bytes() for name in "ab")
    assert one == two


def test_simulate_refuses_a_time_that_is_none(tmp_path):
    with pytest.raises(CommandError, match='--now must be a time such as .*, not "yesterday"'):
        call_command("simulate", str(tmp_path), "--now", "yesterday")


def test_simulate_refuses_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(CommandError, match="File exists"):
        call_command("simulate", str(tmp_path / "file"), *ARGUMENTS)
