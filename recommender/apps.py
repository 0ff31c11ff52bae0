from django.apps import AppConfig


class RecommenderConfig(AppConfig):
    name = "recommender"
    verbose_name = "Recommendations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Follow what the app below tells of."""
        from interests.services import curating  # noqa: PLC0415  # models load first
        from recommender.services import renaming  # noqa: PLC0415

        curating.categories_merged.connect(renaming.follow_merge)
