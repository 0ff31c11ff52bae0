from django.db import migrations

# Numbers of 32 bits hardly get smaller, and PostgreSQL would try with every event.
STORAGE = "ALTER TABLE interests_trackersnapshot ALTER COLUMN numbers SET STORAGE {}"


class Migration(migrations.Migration):
    dependencies = [("interests", "0018_plans_for_tables_that_grow")]

    operations = [
        migrations.RunSQL(STORAGE.format("EXTERNAL"), STORAGE.format("EXTENDED"))
    ]
