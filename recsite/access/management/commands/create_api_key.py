"""Make or revoke an API key."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from recsite.access import services
from recsite.access.models import ApiKey, Scope
from recsite.access.origins import BadOrigin

EXAMPLES = f"""examples:
  manage.py create_api_key shop --scopes events:write,recommendations:read
  manage.py create_api_key notebook --scopes all
  manage.py create_api_key "shop's pages" --scopes events:write --origins https://shop.example
  manage.py create_api_key --revoke rs_AbC12dEf3

scopes: {", ".join(Scope.values)}"""


class Command(BaseCommand):
    """Prints the key on standard output, the only time that it can be seen."""

    help = "Make an API key and print it once, or revoke one."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what can be given."""
        parser.epilog = EXAMPLES
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.add_argument("name", nargs="?", help="who or what uses the key")
        parser.add_argument("--scopes", default="", help="scopes joined by commas, or all")
        parser.add_argument(
            "--origins", default="",
            help="for a key in web pages: the sites that may use it, joined by commas",
        )  # fmt: skip
        parser.add_argument("--rate", type=int, help="requests a minute; 0: no limit")
        parser.add_argument("--revoke", metavar="PREFIX", help="revoke the key that begins so")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make or revoke."""
        try:
            if options["revoke"]:
                key = services.revoke_by_prefix(prefix=options["revoke"], now=timezone.now())
                self.stdout.write(f"Revoked: {key}. It stops working within 5 seconds.")
            elif options["name"]:
                self._make(options)
            else:
                raise CommandError("Give a NAME for the key, or --revoke PREFIX. See --help.")
        except (services.UnknownScope, services.KeyNotFound, BadOrigin) as error:
            raise CommandError(str(error)) from error

    def _make(self, options: dict[str, Any]) -> None:
        given = [scope for scope in options["scopes"].split(",") if scope]
        scopes = Scope.values if given == ["all"] else given
        if (options["rate"] or 0) < 0:
            raise CommandError("--rate must be 0 or more requests a minute.")
        key, text = services.make_key(
            name=options["name"],
            scopes=scopes,
            origins=options["origins"].split(","),
            created_by=None,
            now=timezone.now(),
        )
        if options["rate"] is not None:
            ApiKey.objects.filter(pk=key.pk).update(rate_per_minute=options["rate"])
        self.stderr.write(f"API key {key}. It is shown only now; keep it safe:")
        self.stdout.write(text)
