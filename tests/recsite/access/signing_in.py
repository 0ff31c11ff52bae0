"""Accounts of each group, signed in to the admin."""

from django.contrib.auth.models import Group, User
from django.test import Client


def account(group=None, **fields):
    made = User.objects.create_user(f"{group or 'root'}@example.org", is_staff=True, **fields)
    if group:
        made.groups.add(Group.objects.get(name=group))
    return made


def sign_in(group=None):
    client = Client()
    client.force_login(account(group, is_superuser=group is None))
    return client


def messages_of(response):
    return [str(message) for message in response.context["messages"]]
