"""Import a data folder."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from interests.models import ImportRun
from interests.services import importing, running


class Command(BaseCommand):
    help = """Import a data folder: good rows go in, bad ones are set aside with the reason.

The folder holds interactions.csv (user_id,item_id,kind,occurred_at[,value,event_id,session_id]) and,
if there are any, items.csv (item_id,title,categories,...) and users.csv (user_id,...), or MovieLens
files as they are. Importing the same folder twice changes nothing.

Example:
  manage.py import_data ../shop --dry-run
  manage.py import_data ../shop"""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="report only, change nothing")
        parser.add_argument("--strict", action="store_true", help="import nothing if a row is bad")

    def handle(self, *, folder: Path, dry_run: bool, strict: bool, **options: Any) -> None:
        run = running.request(
            ImportRun,
            now=timezone.now(),
            source=str(folder.resolve())[:1000],
            settings={"dry_run": dry_run, "strict": strict},
        )
        try:
            importing.import_folder(run_id=run.pk, report_to_terminal=options["verbosity"] > 0)
        except (running.CannotRun, running.RunStopped) as error:
            raise CommandError(str(error)) from error
        run.refresh_from_db()
        for line in _lines(run):
            self.stdout.write(line)


def _lines(run: ImportRun) -> list[str]:
    """Return the report in words."""
    report = run.results
    facts = report["quality"]
    lines = [
        "Dry run: nothing was changed." if report["is_dry_run"] else f"Import {run.pk} is done."
    ]
    for name, file in report["files"].items():
        lines.append(
            f"  {name}: {file['lines']:,} lines = {file['good']:,} good + "
            f"{file['duplicates']:,} duplicates + {file['bad']:,} bad"
        )
    lines += [f"  bad: {count:,} {reason}" for reason, count in report["bad"].items()]
    if facts["events"]:
        lines.append(
            f"  {facts['events']:,} events of {facts['end_users']:,} end users on {facts['items']:,} items, "
            f"{facts['first_event_at'][:10]} to {facts['last_event_at'][:10]}"
        )
        lines.append(
            f"  {facts['tied_in_time'] / facts['events']:.1%} share their time with another event of the "
            f"same person, {facts['without_category'] / facts['events']:.1%} are on items without a "
            f"category, {facts['doubtful_times']:,} have a doubtful time"
        )
    if unmatched := facts["unmatched_items"]["items"]:
        lines.append(f"  {unmatched:,} items are in events and not described by any catalogue")
    if gap := facts["longest_gap"]:
        lines.append(f"  longest gap: {gap['days']:,} days without an event after {gap['after']}")
    new_kinds = [kind for file in report["files"].values() for kind in file.get("new_kinds", [])]
    if new_kinds:
        lines.append(
            f"  new kinds of events: {', '.join(new_kinds)} (set their weights in the admin)"
        )
    return lines
