import importlib

from django.db import migrations

# `recommender_read` (0013) reads what it did, and more.
CREATE = importlib.import_module("recommender.migrations.0002_slate_of").CREATE


class Migration(migrations.Migration):
    dependencies = [("recommender", "0013_reading_for_rules")]

    operations = [
        migrations.RunSQL("DROP FUNCTION recommender_slate_of(text, integer, integer)", CREATE)
    ]
