"""Let the publication that served before serve again."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from recommender.management.operators import acting
from recommender.services import switching

HELP = """Let the publication that served before the current one serve again, at once: the one it took over
from, whichever was made first. The slates of the two that served last before it are kept; called twice it
goes back two steps.

Example:
  manage.py rollback"""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with acting() as who:
                publication = switching.roll_back(by=who, now=timezone.now())
        except switching.CannotSwitch as reason:
            raise CommandError(str(reason)) from reason
        self.stdout.write(
            f"{publication} of {publication.training_run} serves again, with slates for "
            f"{publication.slates.count():,} end users. People with newer events are being refreshed."
        )
