from django.db import migrations
from django.utils import timezone


def make(apps, schema_editor):
    apps.get_model("recommender", "Placement").objects.get_or_create(
        name="default",
        defaults={
            "description": "What answers requests that name no placement.",
            "created_at": timezone.now(),
        },
    )


class Migration(migrations.Migration):
    dependencies = [("recommender", "0004_placements_and_reasons")]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
