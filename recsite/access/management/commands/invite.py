"""Invite somebody by mail."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from recsite.access import groups, invitations

EXAMPLE = """example:
  manage.py invite ada@example.org --group analyst"""


class Command(BaseCommand):
    """Makes the account and mails a link at which its owner sets a password."""

    help = "Invite somebody: an account in a group, and a mail with a link to set a password."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what can be given."""
        parser.epilog = EXAMPLE
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.add_argument("email")
        parser.add_argument("--group", required=True, choices=groups.GROUPS)

    def handle(self, *args: Any, **options: Any) -> None:
        """Invite."""
        try:
            account = invitations.invite(email=options["email"], group=options["group"])
        except ValidationError as error:
            raise CommandError(f"{options['email']}: {' '.join(error.messages)}") from error
        except invitations.CannotInvite as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The mail was not sent: {error}. Check EMAIL_URL.") from error
        self.stdout.write(f"Invited {account.email} as {options['group']}.")
