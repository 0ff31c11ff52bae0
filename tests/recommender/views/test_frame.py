from __future__ import annotations

import pytest
from django.test import Client

from tests.recommender.views import pages


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/overview/runs",
        "/end-users",
        "/end-users/1",
        "/runs",
        "/runs/training/1",
        "/runs/rollback",
        "/runs/difference",
        "/evaluation",
        "/catalogue",
        "/catalogue/1",
        "/search",
    ],
)
def test_page_without_account_leads_to_sign_in(db: None, client: Client, address: str) -> None:
    response = client.get(address)

    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={address}"


def test_bar_shows_admin_to_staff_only(analyst: Client, admin_client: Client) -> None:
    assert " Admin " not in pages.text(analyst.get("/"))
    assert " Admin " in pages.text(admin_client.get("/"))


@pytest.mark.parametrize(("before", "after"), [("", "dark"), ("light", "dark"), ("dark", "light")])
def test_theme_is_switched_and_kept(db: None, client: Client, before: str, after: str) -> None:
    if before:
        client.cookies["theme"] = before

    response = client.post("/theme", {"next": "/runs?kind=training"})

    assert response["Location"] == "/runs?kind=training"
    assert response.cookies["theme"].value == after
    page = client.get("/accounts/login/").content.decode()
    assert f'<html lang="en" data-theme="{after}">' in page


def test_theme_leads_to_no_other_site(db: None, client: Client) -> None:
    response = client.post("/theme", {"next": "https://elsewhere.example/"})

    assert response["Location"] == "/"


def test_theme_goes_back_to_what_is_no_name_of_a_page(db: None, client: Client) -> None:
    assert client.post("/theme", {"next": "NaN"})["Location"] == "NaN"


def test_theme_that_is_none_is_not_written_into_the_page(db: None, client: Client) -> None:
    client.cookies["theme"] = 'x" onload="'

    page = client.get("/accounts/login/").content.decode()

    assert '<html lang="en">' in page


def test_nothing_is_inline(analyst: Client) -> None:
    page = analyst.get("/").content.decode()

    assert "<style" not in page
    assert " style=" not in page
    assert " onclick=" not in page


def test_page_that_is_not_there_says_so_with_its_request_id(analyst: Client) -> None:
    response = analyst.get("/nothing-here", headers={"X-Request-ID": "abc-1"})

    assert response.status_code == 404
    assert "There is nothing here" in pages.text(response)
    assert pages.text(response).endswith("Request abc-1")


@pytest.mark.parametrize(
    ("address", "heading"),
    [
        ("/accounts/login/", "Sign in"),
        ("/accounts/password_reset/", "Reset your password"),
        ("/accounts/password_reset/done/", "Look into your mail"),
        ("/accounts/reset/MQ/no-token/", "This link no longer works"),
        ("/accounts/reset/done/", "Your password is set"),
    ],
)
def test_page_for_strangers_is_ours(db: None, client: Client, address: str, heading: str) -> None:
    page = client.get(address).content.decode()

    assert f"<h1>{heading}</h1>" in page
    assert "css/tokens.css" in page
