"""Where the tracker stands with each end user: a copy that can be worked out again, so it is not logged."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("interests", "0015_outcome_of_each_kind"),
    ]

    operations = [
        migrations.CreateModel(
            name="TrackerSnapshot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "made_by",
                    models.CharField(help_text="Versions of tracker and format.", max_length=50),
                ),
                (
                    "category_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
                ("num_events", models.PositiveIntegerField(help_text="Events it has seen.")),
                (
                    "network_from",
                    models.PositiveIntegerField(
                        help_text="So many of them the network was trained on."
                    ),
                ),
                (
                    "fingerprint",
                    models.BigIntegerField(help_text="Of the events it has seen, in their order."),
                ),
                (
                    "numbers",
                    models.BinaryField(
                        help_text="float32, little-endian, see `tracking.standings`."
                    ),
                ),
                (
                    "end_user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="interests.enduser",
                    ),
                ),
                (
                    "tracking_run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="interests.trackingrun",
                    ),
                ),
                (
                    "training_run",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Whose network had its say.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="interests.trainingrun",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("end_user", "tracking_run"),
                        name="one_tracker_snapshot_per_end_user_and_run",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.RunSQL(
            """
            ALTER TABLE interests_trackersnapshot SET UNLOGGED;
            ALTER SEQUENCE interests_trackersnapshot_id_seq SET UNLOGGED;
            ALTER TABLE interests_trackersnapshot ALTER numbers SET STORAGE EXTERNAL
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
