"""Signing in, being locked out, being invited, and production settings."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from recsite.access.models import ApiKey
from tests import factories

PASSWORD = "a long pass phrase 7"


@pytest.mark.django_db
def test_five_wrong_passwords_lock_the_name_out_with_the_time_to_wait():
    User.objects.create_user("ada", password=PASSWORD)
    client = Client()

    def sign_in(password):
        return client.post("/accounts/login/", {"username": "ada", "password": password})

    tries = [sign_in("wrong") for _ in range(5)]
    right_but_late = sign_in(PASSWORD)

    assert [response.status_code for response in tries] == [200, 200, 200, 200, 429]
    assert right_but_late.status_code == 429
    assert right_but_late["Retry-After"] == "900"
    assert "for 15 minutes" in right_but_late.content.decode()
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
def test_right_password_leads_to_the_overview():
    User.objects.create_user("ada", password=PASSWORD)

    response = Client().post("/accounts/login/", {"username": "ada", "password": PASSWORD})

    assert (response.status_code, response["Location"]) == (302, "/")


@pytest.mark.django_db
def test_command_invites_by_mail(capsys):
    call_command("invite", "grace@example.org", "--group", "analyst")

    grace = User.objects.get(email="grace@example.org")
    assert [group.name for group in grace.groups.all()] == ["analyst"]
    assert [(letter.to, letter.subject) for letter in mail.outbox] == [
        (["grace@example.org"], "Your account for Recsite")
    ]
    assert capsys.readouterr().out == "Invited grace@example.org as analyst.\n"


@pytest.mark.django_db
def test_command_refuses_what_is_no_address_and_closed_accounts():
    User.objects.create_user("old", email="old@example.org", is_active=False)

    with pytest.raises(CommandError, match="nonsense: Enter a valid email address"):
        call_command("invite", "nonsense", "--group", "analyst")
    with pytest.raises(CommandError, match="The account old is closed"):
        call_command("invite", "OLD@example.org", "--group", "analyst")

    assert mail.outbox == []


@pytest.mark.django_db
def test_command_makes_a_key_that_works_and_revokes_it(capsys):
    call_command("create_api_key", "shop", "--scopes", "runs:read", "--rate", "0")
    text = capsys.readouterr().out.strip()
    headers = {"Authorization": f"Bearer {text}"}

    assert Client().get("/api/v1/runs", headers=headers).json()["runs"] == []
    call_command("create_api_key", "--revoke", text[:12])

    key = ApiKey.objects.get()
    assert (key.rate_per_minute, key.revoked_at is None) == (0, False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["shop"], "A key needs a scope"),
        (["shop", "--scopes", "runs:write"], "No such scope: runs:write"),
        ([], "Give a NAME"),
        (["--revoke", "rs_none"], 'No working key begins with "rs_none"'),
        (["shop", "--scopes", "all", "--rate", "-1"], "--rate must be 0 or more"),
    ],
)
def test_command_says_what_is_missing(arguments, words):
    with pytest.raises(CommandError, match=words):
        call_command("create_api_key", *arguments)

    assert ApiKey.objects.count() == 0


@pytest.mark.django_db
def test_health_says_what_is_there(monkeypatch):
    live, ready = Client().get("/health/live"), Client().get("/health/ready")
    monkeypatch.setattr("django.conf.settings.REDIS_URL", "redis://127.0.0.1:1/0")
    degraded = Client().get("/health/ready")

    assert live.json() == {"status": "ok"}
    assert ready.json() == {"status": "ok", "checks": {"database": "ok", "redis": "ok"}}
    assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")


@pytest.mark.django_db
def test_health_is_503_without_the_database(monkeypatch):
    monkeypatch.setattr("recsite.access.health._database", lambda: "down")

    response = Client().get("/health/ready")

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["status"] == "unavailable"


@pytest.mark.django_db
def test_page_without_its_database_says_when_to_come_back(monkeypatch, client):
    from django.db import OperationalError

    def fail(*args, **kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr("django.contrib.auth.forms.AuthenticationForm.clean", fail)

    response = client.post("/accounts/login/", {"username": "ada", "password": "x"})

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "<h1>The database is away</h1>" in response.content.decode()


@pytest.mark.django_db
def test_last_use_of_a_key_is_written_once_a_minute(django_assert_num_queries):
    from recsite.access import authentication

    headers = {"Authorization": f"Bearer {factories.api_key('runs:read')}"}
    Client().get("/api/v1/evaluations", headers=headers)
    first = ApiKey.objects.get().last_used_at
    authentication.forget_remembered()

    with django_assert_num_queries(2):  # the key and the evaluations, no update
        Client().get("/api/v1/evaluations", headers=headers)

    assert ApiKey.objects.get().last_used_at == first


@pytest.mark.slow
def test_production_settings_pass_the_deploy_check():
    production = {
        "HTTPS": "1",
        "SECRET_KEY": "k9!" * 30 + "unlikely to be guessed",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "ALLOWED_HOSTS": "recsite.example.org",
    }

    inherited = {name: value for name, value in os.environ.items() if "DJANGO" not in name}

    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        env=inherited | production,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stdout.strip()) == (
        0, "System check identified no issues (0 silenced).",
    ), checked.stderr  # fmt: skip
