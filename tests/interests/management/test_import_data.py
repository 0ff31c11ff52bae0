from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from interests.models import ImportRun, Interaction

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    lines = [
        "user_id,item_id,kind,occurred_at",
        "u1,i1,view,2026-01-01T00:00:00Z",
        "u1,i1,view,2026-01-01T00:00:00Z",
        "u1,i2,wish,2026-01-04T00:00:00Z",
        "u2,i2,view,never",
    ]
    (tmp_path / "interactions.csv").write_text("\n".join(lines))
    return tmp_path


def test_import_data_reports_in_words(folder, capsys):
    call_command("import_data", str(folder))

    run = ImportRun.objects.get()
    assert capsys.readouterr().out.splitlines() == [
        f"Import {run.pk} is done.",
        "  interactions.csv: 4 lines = 2 good + 1 duplicates + 1 bad",
        "  bad: 1 time_not_readable",
        "  3 events of 1 end users on 2 items, 2026-01-01 to 2026-01-04",
        (
            "  66.7% share their time with another event of the same person, 100.0% are on items without "
            "a category, 0 have a doubtful time"
        ),
        "  2 items are in events and not described by any catalogue",
        "  longest gap: 2 days without an event after 2026-01-01",
        "  new kinds of events: wish (set their weights in the admin)",
    ]


def test_import_data_dry_run_changes_nothing(folder, capsys):
    call_command("import_data", str(folder), "--dry-run")

    assert capsys.readouterr().out.startswith("Dry run: nothing was changed.\n")
    assert Interaction.objects.count() == 0


def test_import_data_strict_fails_and_imports_nothing(folder):
    with pytest.raises(CommandError, match="Nothing was imported: 1 rows are bad") as caught:
        call_command("import_data", str(folder), "--strict")

    assert caught.value.returncode == 1
    assert Interaction.objects.count() == 0


def test_import_data_without_a_folder_says_so(tmp_path):
    with pytest.raises(CommandError, match="is not a folder"):
        call_command("import_data", str(tmp_path / "nowhere"))
