"""The admin of runs of any kind: to look at, to start, to stop."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from interests.models import Run
from interests.services import running
from recsite.access.admin_tools import MachineWritten

COMMON = ("state", "requested_at", "finished_at", "share_done", "step")


class RunAdmin(MachineWritten):
    """Runs of one kind; `asked` names what whoever starts one fills in, empty where none is started here."""

    list_display = ["__str__", *COMMON]
    list_filter = ("state",)
    search_fields = ("id",)
    search_help_text = "The number of a run."
    ordering = ("-id",)
    actions = ["stop"]
    asked: ClassVar[tuple[str, ...]] = ()

    def send(self, run: Any) -> bool:
        """Send a run to its worker; return whether the broker took it."""
        raise NotImplementedError

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether the account may start such a run here."""
        return bool(self.asked) and self.may(request, "add")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Tell whether the account may stop such runs."""
        return self.may(request, "change")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask only for what can be chosen; show everything of a run that is there."""
        return list(self.asked) if obj is None else [field.name for field in self.opts.fields]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Request the run and send it to its worker after commit."""
        asked = {name: form.cleaned_data[name] for name in self.asked}
        made: Run = running.request(
            self.model,
            now=timezone.now(),
            requested_by=request.user,  # type: ignore[arg-type]
            **asked,
        )
        obj.__dict__.update(made.__dict__)
        transaction.on_commit(lambda: self._send(request, made))

    def _send(self, request: HttpRequest, made: Run) -> None:
        if not self.send(made):
            self.message_user(
                request,
                f"{made} waits: the queue cannot be reached. It is sent again once it can.",
                messages.WARNING,
            )

    @admin.action(description="Stop", permissions=["operate"])
    def stop(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Ask the chosen runs to stop."""
        now, keys = timezone.now(), list(queryset.values_list("pk", flat=True))
        num = sum(running.ask_to_stop(self.model, run_id=key, now=now) for key in keys)
        self.message_user(
            request, f"{num} asked to stop after their present step; {len(keys) - num} had ended."
        )
