"""Fixtures for all tests."""

from django.conf import settings

# Tests read static files where they lie; only a deployed site has collected them under hashed names.
settings.STORAGES["staticfiles"]["BACKEND"] = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
)
settings.WHITENOISE_AUTOREFRESH = True
