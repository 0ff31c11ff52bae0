from __future__ import annotations

import csv
import io

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from interests import tasks
from interests.models import ImportRun, Interaction, RejectedRow
from interests.services import importing, running

pytestmark = pytest.mark.django_db
HEADER = "user_id,item_id,kind,occurred_at"
EVENTS = f"{HEADER}\nu1,i1,view,2026-01-01\n=2+2,i1,view,never\n,i1,view,2026-01-01\n".encode()


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.RECSITE_HOME = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    return tmp_path


def signed_in(client, group):
    user = User.objects.create_user(f"one {group}")
    user.groups.add(Group.objects.get_or_create(name=group)[0])
    client.force_login(user)
    return client


@pytest.fixture
def curator(client):
    return signed_in(client, "curator")


@pytest.fixture
def sent(monkeypatch):
    found = []
    monkeypatch.setattr(tasks, "enqueue_run", lambda run: found.append(run.pk))
    monkeypatch.setattr(tasks, "ask_for_refresh", lambda: found.append("refresh"))
    return found


def import_(folder, data=EVENTS, **settings):
    folder.mkdir(exist_ok=True)
    (folder / "interactions.csv").write_bytes(data)
    run = running.request(ImportRun, now=timezone.now(), source=str(folder), settings=settings)
    importing.import_folder(run_id=run.pk)
    return run


@pytest.mark.parametrize(
    "address", ["/imports/", "/imports/new", "/imports/1", "/imports/1/rejected.csv"]
)
def test_pages_ask_for_a_login(client, address):
    answer = client.get(address)

    assert answer.headers["Location"].startswith("/accounts/login/?next=/imports/")


def test_upload_starts_an_import_after_commit(curator, sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = curator.post(
            "/imports/new",
            {"chosen": [SimpleUploadedFile("interactions.csv", EVENTS)], "mode": "strict"},
        )

    run = ImportRun.objects.get()
    assert answer.headers["Location"] == f"/imports/{run.pk}"
    assert run.settings == {"dry_run": False, "strict": True, "uploaded": ["interactions.csv"]}
    assert run.requested_by.username == "one curator"
    assert sent == [run.pk]
    assert "Waiting for a worker" in curator.get(f"/imports/{run.pk}").content.decode()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "This field is required."),
        ([("events.csv", EVENTS)], "is not a name we know."),
        ([("interactions.csv", b"")], "The submitted file is empty."),
    ],
)
def test_upload_of_the_wrong_files_says_why(curator, sent, files, words):
    chosen = [SimpleUploadedFile(name, data) for name, data in files]

    answer = curator.post("/imports/new", {"chosen": chosen, "mode": "normal"})

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert (ImportRun.objects.count(), sent) == (0, [])


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("get", "/imports/new"),
        ("post", "/imports/{run}/replay"),
        ("get", "/imports/{run}/rows/{row}"),
    ],
)
def test_analysts_may_look_and_not_change(client, home, method, address):
    run = import_(home / "data")
    analyst = signed_in(client, "analyst")
    row = RejectedRow.objects.first()

    answer = getattr(analyst, method)(address.format(run=run.pk, row=row.pk))
    page = analyst.get(f"/imports/{run.pk}").content.decode()

    assert answer.status_code == 403
    assert "Which rows were set aside?" in page
    assert "Mend" not in page


@pytest.mark.parametrize("number", [1, 3])
def test_list_asks_the_database_a_fixed_number_of_times(
    curator, home, number, django_assert_max_num_queries
):
    for _ in range(number):
        import_(home / "data")

    with django_assert_max_num_queries(12):
        answer = curator.get("/imports/")

    assert answer.content.decode().count('<th scope="row"') == number


def test_list_without_imports_says_what_to_do(curator):
    page = curator.get("/imports/").content.decode()

    assert "Nothing was imported yet" in page
    assert "manage.py import_data FOLDER" in page


def test_report_shows_counts_and_filters_by_reason(curator, home):
    run = import_(home / "data")

    page = curator.get(f"/imports/{run.pk}?reason=user_id_missing").content.decode()

    assert "User id missing (1)" in page
    assert "interactions.csv:4" in page
    assert "interactions.csv:3" not in page


def test_report_of_a_refused_import_says_why(curator, home):
    with pytest.raises(running.CannotRun):
        import_(home / "data", strict=True)

    page = curator.get(f"/imports/{ImportRun.objects.get().pk}").content.decode()

    assert "Nothing was imported: 2 rows are bad" in page
    assert "Try all" not in page


def test_report_of_no_import_is_not_found(curator):
    assert curator.get("/imports/999999").status_code == 404


def test_mend_sends_the_row_in(curator, home, sent, django_capture_on_commit_callbacks):
    run = import_(home / "data")
    row = RejectedRow.objects.get(line=4)
    address = f"/imports/{run.pk}/rows/{row.pk}"
    assert 'name="cell-user_id" value=""' in curator.get(address).content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        answer = curator.post(
            address,
            {
                "cell-user_id": "u9",
                "cell-item_id": "i1",
                "cell-kind": "view",
                "cell-occurred_at": "2026-01-02",
            },
        )

    assert answer.headers["Location"] == f"/imports/{run.pk}"
    assert Interaction.objects.filter(end_user__user_id="u9").count() == 1
    assert sent == ["refresh"]


def test_mend_that_leaves_the_row_bad_keeps_what_was_typed(curator, home):
    run = import_(home / "data")
    row = RejectedRow.objects.get(line=4)

    answer = curator.post(
        f"/imports/{run.pk}/rows/{row.pk}",
        {
            "cell-user_id": "u9",
            "cell-item_id": "",
            "cell-kind": "view",
            "cell-occurred_at": "2026-01-02",
        },
    )

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Item id missing." in page
    assert 'name="cell-user_id" value="u9"' in page


def test_replay_all_says_what_became_of_the_rows(curator, home, sent):
    run = import_(home / "data")

    page = curator.post(f"/imports/{run.pk}/replay", follow=True).content.decode()

    assert "0 rows went in, 0 were there already, 2 are still bad." in page


def test_download_is_harmless_in_a_spreadsheet(curator, home):
    run = import_(home / "data")

    answer = curator.get(f"/imports/{run.pk}/rejected.csv")

    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [row["user_id"] for row in rows] == ["'=2+2", ""]
    assert [row["reason"] for row in rows] == ["time_not_readable", "user_id_missing"]


def test_page_numbers_out_of_range_show_an_empty_page(curator, home):
    run = import_(home / "data")

    for page in ("-1", "0", "x", "99", "9" * 30):
        assert curator.get(f"/imports/{run.pk}?page={page}").status_code == 200
