"""Who is behind a command that changes what serves, and which publication is meant."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from recommender.models import PublicationRun
from recsite.access import auditing


@contextmanager
def acting() -> Iterator[str]:
    """Let changes be noted as those of whoever runs the command, and return that name."""
    who = name()
    with auditing.acting(auditing.Actor.SYSTEM, who):
        yield who


def name() -> str:
    """Return the account of the operating system that the command runs under."""
    try:
        return f"{getpass.getuser()} (command)"
    except (KeyError, OSError):  # an account without a name, as containers have
        return "command"


def publication(key: int) -> PublicationRun:
    """Return the publication of this number; the command ends in words where there is none."""
    rows = PublicationRun.objects.select_related("training_run")
    found = rows.filter(pk=key).first()
    if found is None:
        known = ", ".join(str(pk) for pk in rows.order_by("-pk").values_list("pk", flat=True)[:5])
        raise CommandError(f"There is no publication {key}. The newest are: {known or 'none'}.")
    return found
