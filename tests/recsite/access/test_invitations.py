"""Who is invited to an account, and by whom."""

import re

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse

from tests.recsite.access.signing_in import messages_of, sign_in

pytestmark = pytest.mark.django_db


def test_somebody_is_invited_and_sets_a_password():
    sent = sign_in().post(
        reverse("admin:auth_user_invite"), {"email": "grace@example.org", "group": "curator"},
        follow=True,
    )  # fmt: skip

    grace = User.objects.get(email="grace@example.org")
    assert messages_of(sent) == ["Sent an invitation to grace@example.org."]
    assert [group.name for group in grace.groups.all()] == ["curator"]
    assert (grace.is_staff, grace.is_superuser, grace.has_usable_password()) == (True, False, False)
    link = re.search(r"http://localhost:8000(/accounts/reset/\S+)", mail.outbox[0].body)[1]

    client = Client()
    form = client.get(link, follow=True)
    client.post(
        form.redirect_chain[-1][0],
        {"new_password1": "a long pass phrase 7", "new_password2": "a long pass phrase 7"},
    )
    assert User.objects.get(pk=grace.pk).check_password("a long pass phrase 7")


def test_engineer_can_invite_nobody():
    response = sign_in("engineer").post(
        reverse("admin:auth_user_invite"), {"email": "x@example.org", "group": "engineer"}
    )

    assert (response.status_code, mail.outbox) == (403, [])
