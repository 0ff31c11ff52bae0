"""Publications and the switch that says which one serves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from interests.admin.base import COMMON, RunAdmin
from recommender import tasks
from recommender.models import PublicationRun, Serving, Switch
from recommender.services import promoting, switching
from recsite.access.admin_tools import MachineWritten


@admin.register(PublicationRun)
class PublicationRunAdmin(RunAdmin):
    """Publications: start one, let one serve, go back to the one before."""

    list_display = ["__str__", "training_run", "is_serving", "held_because", *COMMON]
    list_select_related = ("training_run",)
    actions = ["stop", "serve", "roll_back"]
    asked = ("training_run",)
    raw_id_fields = ("training_run",)

    def send(self, run: Any) -> bool:
        """Send it to the worker that publishes."""
        return tasks.enqueue_run(run)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PublicationRun]:
        """Return publications; remember which one serves, once for the whole list."""
        self._serving = Serving.objects.values_list("publication_id", flat=True).first()
        return super().get_queryset(request)

    @admin.display(description="Serves", boolean=True)
    def is_serving(self, run: PublicationRun) -> bool:
        """Show whether the API answers from this publication."""
        return run.pk == self._serving

    @admin.action(description="Let this one serve", permissions=["operate"])
    def serve(self, request: HttpRequest, queryset: QuerySet[PublicationRun]) -> None:
        """Let the one publication that was chosen serve, if the gate is open."""
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, "Choose exactly one publication.", messages.ERROR)
            return
        try:
            promoting.promote(
                publication=chosen[0],
                by=request.user.get_username(),
                reason="chosen in the admin",
                now=timezone.now(),
            )
        except (promoting.CannotPromote, switching.CannotSwitch) as reason:
            self.message_user(request, str(reason), messages.ERROR)
        else:
            self.message_user(request, f"{chosen[0]} serves now.", messages.SUCCESS)

    @admin.action(description="Roll back to what served before", permissions=["operate"])
    def roll_back(self, request: HttpRequest, queryset: QuerySet[PublicationRun]) -> None:
        """Let the publication before the serving one serve, whichever rows were chosen."""
        try:
            run = switching.roll_back(by=request.user.get_username(), now=timezone.now())
        except switching.CannotSwitch as reason:
            self.message_user(request, str(reason), messages.ERROR)
        else:
            self.message_user(request, f"{run} serves again.", messages.SUCCESS)


@admin.register(Serving)
class ServingAdmin(MachineWritten):
    """What serves now."""

    list_display = ("publication", "since")
    list_select_related = ("publication",)


@admin.register(Switch)
class SwitchAdmin(MachineWritten):
    """What served when, and who changed it."""

    list_display = ("switched_at", "publication", "switched_by", "reason")
    list_select_related = ("publication",)
    ordering = ("-switched_at", "-id")
