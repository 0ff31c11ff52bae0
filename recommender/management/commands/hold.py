"""Keep a publication from serving."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from recommender.management.operators import acting, publication
from recommender.services import promoting

HELP = """Keep a publication from serving, whether it is made already or still under way, until somebody promotes
it. Its slates are kept meanwhile. What serves is not held but rolled back.

Example:
  manage.py hold 12 --reason "the campaign begins on Monday"
  manage.py promote 12"""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int, metavar="RUN", help="number of the publication")
        parser.add_argument("--reason", required=True, help="why: it is shown with the run")

    def handle(self, *args: Any, **options: Any) -> None:
        run = publication(options["run"])
        try:
            with acting() as who:
                promoting.hold(
                    publication=run, by=who, reason=options["reason"], now=timezone.now()
                )
        except promoting.CannotHold as reason:
            raise CommandError(str(reason)) from reason
        self.stdout.write(f"{run} is held and will not serve. Let it: manage.py promote {run.pk}.")
