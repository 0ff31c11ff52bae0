from django.apps import AppConfig


class InterestsConfig(AppConfig):
    name = "interests"
    verbose_name = "Interests"
    default_auto_field = "django.db.models.BigAutoField"
