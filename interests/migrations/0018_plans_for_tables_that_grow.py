from django.db import migrations

# A session keeps the plans of the function. One made while a table was small would read all of it for ever after,
# so whatever the size, rows are looked up one by one in their index: a thousand of them at most.
SETTINGS = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit")


class Migration(migrations.Migration):

    dependencies = [("interests", "0017_audit")]

    operations = [
        migrations.RunSQL(
            f"ALTER FUNCTION interests_store_events SET {name} = off",
            f"ALTER FUNCTION interests_store_events RESET {name}",
        )
        for name in SETTINGS
    ]
