"""Let a publication serve."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from recommender.management.operators import acting, publication
from recommender.services import promoting, switching

HELP = """Let a finished publication serve from now on, held or not, if the gate is open: its NDCG is not shown
to be worse than that of what serves by more than 5 %, its lists hold at least half as many different items,
and hardly anybody loses all recommendations (docs/promoting.md). --force lets it serve all the same; the
reason is kept in the audit.

Example:
  manage.py promote 12
  manage.py promote 12 --force "fewer items are meant: the archive is gone\""""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int, metavar="RUN", help="number of the publication")
        parser.add_argument("--force", metavar="REASON", help="whatever the gate says, and why")

    def handle(self, *args: Any, **options: Any) -> None:
        run, force = publication(options["run"]), options["force"]
        try:
            with acting() as who:
                before = promoting.promote(
                    publication=run,
                    by=who,
                    reason=force or "",
                    now=timezone.now(),
                    is_forced=force is not None,
                )
        except (promoting.CannotPromote, switching.CannotSwitch) as reason:
            raise CommandError(str(reason)) from reason
        instead = f" instead of {before}" if before else ""
        self.stdout.write(
            f"{run} of {run.training_run} serves now{instead}. Back: manage.py rollback."
        )
