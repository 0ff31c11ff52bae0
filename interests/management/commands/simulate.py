"""Write a simulated population, with the changes of interest that it was given, as a data folder."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from interests.drift import streams, writing
from interests.management.arguments import insist_on_seed

RECIPES = {"shop": streams.SHOP, "streams": streams.STREAMS, "kinds": streams.KINDS}


class Command(BaseCommand):
    help = """Write a simulated population with known changes of interest as a data folder.

Three recipes: "shop" (the demo: a bookshop with themes, series, likes and purchases, ending just
now), "streams" (categories and views only, for judging drift detectors) and "kinds" (the same with
every kind of change: abrupt, gradual, there and back, new and fading interests, seasons, and one
shift of the whole population). truth.csv says who changed,
when, from what to what. Equal options and --now write equal files.

Example:
  manage.py simulate /tmp/shop --users 200 --seed 7
  manage.py simulate /tmp/streams --recipe streams --categories 8
  manage.py simulate /tmp/large --recipe kinds --users 10000"""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="where to write; made where it is missing")
        parser.add_argument("--recipe", choices=sorted(RECIPES), default="shop")
        parser.add_argument("--users", type=int, help="number of end users")
        parser.add_argument("--items", type=int, help="number of items")
        parser.add_argument("--categories", type=int, help="number of categories")
        parser.add_argument("--seed", type=int, default=1, help="0 or more (default 1)")
        parser.add_argument("--now", help="when the data ends, ISO 8601 (default: now)")

    def handle(self, *, folder: Path, recipe: str, seed: int, **options: Any) -> None:
        numbers = {
            f"num_{name}": options[name]
            for name in ("users", "items", "categories")
            if options[name] is not None
        }
        insist_on_seed(seed)
        now_ms = int(_moment(options["now"]).timestamp() * 1000)
        try:
            population = streams.simulate(
                recipe=replace(RECIPES[recipe], **numbers), seed=seed, now_ms=now_ms
            )
            writing.write(population, folder=folder)
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{len(population.times):,} events of {len(population.names):,} end users with "
            f"{len(population.changes):,} changes of interest, written to {folder}."
        )


def _moment(text: str | None) -> datetime:
    if text is None:
        return timezone.now()
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f'--now must be a time such as 2026-03-31T18:05:00Z, not "{text}".')
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
