"""Queues and the whole schedule.

training: hours; each run is a process of its own under a lease. live: seconds after an event.
default: minutes. Every task names its queue.
"""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsite.settings")

app = Celery("recsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
