from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccessConfig(AppConfig):
    name = "recsite.access"
    verbose_name = "Access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let every migration end with the groups' rights in place."""
        from recsite import checks  # noqa: F401, PLC0415  # registers the site's system checks
        from recsite.access import groups, schema  # noqa: F401, PLC0415  # models load first

        # After the auth app's own handler, which makes the permissions: it was connected earlier.
        post_migrate.connect(groups.set_rights, dispatch_uid="recsite.access.groups")
