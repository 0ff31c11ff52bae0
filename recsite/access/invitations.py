"""Accounts begin with an invitation: a mail with a link at which one sets a password."""

from __future__ import annotations

from urllib.parse import urljoin

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from recsite.access.groups import GROUPS


class CannotInvite(Exception):
    """The person cannot be invited; the message says why."""


def invite(*, email: str, group: str) -> User:
    """Make an account without a password, put it into a group and mail its owner a link to set one.

    An account that exists keeps what it has, joins the group and gets a new link.

    Raises:
        CannotInvite: there is no such group, or the account is closed.
        ValidationError: that is no email address.
    """
    validate_email(email)
    if group not in GROUPS:
        raise CannotInvite(f'There is no group "{group}". Groups are: {", ".join(GROUPS)}.')
    with transaction.atomic():
        account = User.objects.filter(email__iexact=email).order_by("pk").first()
        if account is None:
            account = User.objects.create_user(username=email, email=email)
        if not account.is_active:
            raise CannotInvite(f"The account {account.get_username()} is closed. Open it first.")
        account.groups.add(Group.objects.get_or_create(name=group)[0])
        account.is_staff = True  # the admin shows each group what its rights allow
        account.save(update_fields=["is_staff"])
    send_link(account=account)
    return account


def send_link(*, account: User) -> None:
    """Mail the account's owner a link to set a password; it works once, for three days."""
    context = {"account": account, "link": link_of(account), "site": settings.SITE_ADDRESS}
    send_mail(
        subject="Your account for Recsite",
        message=render_to_string("registration/invitation_email.txt", context),
        from_email=None,
        recipient_list=[account.email],
    )


def link_of(account: User) -> str:
    """Return the address at which an account's password can be set."""
    path = reverse(
        "password_reset_confirm",
        kwargs={
            "uidb64": urlsafe_base64_encode(force_bytes(account.pk)),
            "token": default_token_generator.make_token(account),
        },
    )
    return urljoin(str(settings.SITE_ADDRESS), path)
