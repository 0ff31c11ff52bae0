"""List the algorithms that there are."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand

from recommender.management import algorithm_table

HELP = """List all algorithms by family, with a line about each.

Example:
  manage.py algorithms
  manage.py algorithms --json
  manage.py algorithms --markdown > docs/algorithms/README.md

Any of the names, or a family's, is taken by manage.py evaluate --algorithms. --json prints a list of
{"name", "family", "summary", "source", "is_usual"}."""


class Command(BaseCommand):
    help = HELP
    requires_system_checks: tuple[str, ...] = ()

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="as JSON, with sources")
        form.add_argument("--markdown", action="store_true", help="as the table in docs/algorithms")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(algorithm_table.as_json(), indent=2))
        elif options["markdown"]:
            self.stdout.write(algorithm_table.markdown(), ending="")
        else:
            for line in algorithm_table.lines():
                self.stdout.write(line)
