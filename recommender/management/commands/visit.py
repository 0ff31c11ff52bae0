"""Let the simulated people of a demo go on visiting it."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone
from tqdm import tqdm

from interests import tasks
from recommender.services.visiting import NobodySimulated, Visited, Visits

HELP = """Let the simulated people of a running demo go on visiting it: each asks what to show, looks, clicks, likes,
buys, and finds things beside the list. Interests change on the way and new people come, so slates, drift, outcomes
and experiments have something to show. Only for a site with the simulated population; stop it with Ctrl-C.

Example, in a second terminal beside `make demo`:
  manage.py visit
  manage.py visit --rate 5 --visits 2000"""
LINE_SECONDS = 60.0
MOST_PER_SECOND = 50.0


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rate", type=float, default=2.0, help="visits a second (2)")
        parser.add_argument("--visits", type=int, metavar="N", help="end after so many")
        parser.add_argument("--seed", type=int, help="of what is drawn (another each time)")

    def handle(
        self, *args: Any, rate: float, visits: int | None, seed: int | None, **options: Any
    ) -> None:
        if not 0 < rate <= MOST_PER_SECOND:
            raise CommandError(
                f"--rate must be above 0 and at most {MOST_PER_SECOND:g} visits a second."
            )
        if visits is not None and visits < 1:
            raise CommandError("--visits must be 1 or more.")
        if seed is not None and seed < 0:
            raise CommandError("--seed must be 0 or more.")
        done: list[Visited] = []
        try:
            self._visit(Visits(seed=seed), rate, visits, done)
        except NobodySimulated as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(
                f"The site's database does not answer ({str(error).strip()}). Is the demo running? Start it in "
                "another terminal: make demo"
            ) from error
        except KeyboardInterrupt:
            pass
        self.stdout.write(_said(done))

    def _visit(self, people: Visits, rate: float, visits: int | None, done: list[Visited]) -> None:
        began = said_at = time.monotonic()
        with tqdm(total=visits, unit=" visits", disable=not sys.stderr.isatty()) as bar:
            while visits is None or len(done) < visits:
                done.append(people.once(now=timezone.now()))
                if done[-1].marked:
                    tasks.ask_for_refresh()
                bar.update()
                if bar.disable and time.monotonic() - said_at >= LINE_SECONDS:
                    said_at = time.monotonic()
                    self.stdout.write(_said(done))
                    self.stdout.flush()
                time.sleep(max(began + len(done) / rate - time.monotonic(), 0))


def _said(done: list[Visited]) -> str:
    shown, clicked = sum(one.shown for one in done), sum(one.clicked for one in done)
    share = f" ({100 * clicked / shown:.1f} %)" if shown else ""
    return f"{len(done):,} visits, {shown:,} items shown, {clicked:,} clicked{share}."
