"""Snapshots of a run stand beside those in force until the run is done."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("interests", "0005_drift")]

    operations = [
        migrations.RemoveConstraint(
            model_name="detectorsnapshot", name="one_snapshot_per_end_user_and_event"
        ),
        migrations.AddConstraint(
            model_name="detectorsnapshot",
            constraint=models.UniqueConstraint(
                fields=["end_user", "tracking_run", "num_events"],
                name="one_snapshot_per_end_user_run_and_event",
                nulls_distinct=False,
            ),
        ),
    ]
