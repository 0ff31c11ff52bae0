"""What analysts, curators and engineers may do in the admin and on the pages.

These three groups belong to the product: `migrate` sets their rights to exactly these. Whoever needs
other rights makes a group of his own.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps

ANALYST, CURATOR, ENGINEER = "analyst", "curator", "engineer"
GROUPS = (ANALYST, CURATOR, ENGINEER)

# group -> (model, what beside viewing). Each may also do what those before it may.
ADDED_RIGHTS: dict[str, dict[str, tuple[str, ...]]] = {
    ANALYST: {
        "interests.alert": ("change",),  # to acknowledge it
        "interests.driftmark": ("add", "change", "delete"),
    },
    CURATOR: {
        "interests.alertrule": ("add", "change", "delete"),
        "interests.item": ("add", "change"),
        "interests.category": ("add", "change", "delete"),
        "interests.eventkind": ("add", "change"),
        "interests.rejectedrow": ("change",),
        "interests.enduser": ("change", "delete"),  # to merge and to erase
        "interests.controls": ("add", "change"),
        "interests.importrun": ("add", "change"),
        "recommender.placement": ("add", "change", "delete"),
        "recommender.experiment": ("add", "change", "delete"),
    },
    ENGINEER: {
        "access.apikey": ("add", "change"),
        "interests.trainingrun": ("add", "change"),
        "interests.trackingrun": ("add", "change"),
        "interests.populationrun": ("add", "change"),
        "interests.selftestrun": ("add", "change"),
        "interests.detectorchoice": ("add",),
        "recommender.publicationrun": ("add", "change"),
        "recommender.evaluationrun": ("add", "change"),
        "recommender.study": ("add", "change"),
        "interests.chosensettings": ("add", "change", "delete"),
    },
}
OUR_APPS = ("access", "interests", "recommender")
ENGINEERS_ONLY = ("access.apikey",)


def rights_of(group: str) -> dict[str, set[str]]:
    """Return what a group may do with each model: `app.model` -> actions."""
    rights: dict[str, set[str]] = {}
    for label in OUR_APPS:
        for model in apps.get_app_config(label).get_models():
            if model._meta.label_lower not in ENGINEERS_ONLY or group == ENGINEER:
                rights[model._meta.label_lower] = {"view"}
    for name in GROUPS[: GROUPS.index(group) + 1]:
        for model_label, actions in ADDED_RIGHTS[name].items():
            rights[model_label] = rights.get(model_label, {"view"}) | set(actions)
    return rights


def set_rights(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Set the groups' rights over one app's models, after its permissions were made (`post_migrate`)."""
    if sender.label not in OUR_APPS:
        return
    from django.contrib.auth.models import Group, Permission  # noqa: PLC0415  # apps load first

    of_app = Permission.objects.using(using).filter(content_type__app_label=sender.label)
    found = {
        (permission.content_type.model, permission.codename): permission
        for permission in of_app.select_related("content_type")
    }
    for name in GROUPS:
        group, _ = Group.objects.using(using).get_or_create(name=name)
        wanted = [
            found[model, f"{action}_{model}"]
            for label, actions in rights_of(name).items()
            for app, model in [label.split(".")]
            for action in actions
            if app == sender.label
        ]
        group.permissions.remove(*of_app.exclude(pk__in=[p.pk for p in wanted]))
        group.permissions.add(*wanted)
