from django.db import migrations, models

STORAGE = "ALTER TABLE interests_detectorsnapshot ALTER COLUMN bank SET STORAGE {}"


class Migration(migrations.Migration):
    """Where detectors stand goes as it is: packing it took longer than writing it.

    What is kept is not turned into the new form: a detector without a snapshot reads its person's events again,
    and what it had raised stays.
    """

    dependencies = [("interests", "0021_chosen_settings")]

    operations = [
        migrations.RunSQL(
            "TRUNCATE interests_detectorsnapshot", "TRUNCATE interests_detectorsnapshot"
        ),
        migrations.AddField(
            "detectorsnapshot",
            "bank",
            models.BinaryField(
                default=b"", help_text="The detector's numbers, see `drift.detector_storage`."
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(STORAGE.format("EXTERNAL"), STORAGE.format("EXTENDED")),
    ]
