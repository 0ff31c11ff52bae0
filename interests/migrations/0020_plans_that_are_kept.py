from django.db import migrations

# For one event a plan made for one event looks cheaper than the one that is kept, so PostgreSQL made six plans
# anew for each request: half of its time for it. The plan that is kept looks rows up in their indexes too (0018).
#
# The index for LIKE that comes with a unique text serves nobody who looks for an event's id as a whole, and
# costs a page somewhere for every event.
LIKE_INDEX = "interests_interaction_event_id_1b09cdfa_like"


class Migration(migrations.Migration):
    dependencies = [("interests", "0019_standings_are_not_packed")]

    operations = [
        migrations.RunSQL(
            "ALTER FUNCTION interests_store_events SET plan_cache_mode = force_generic_plan",
            "ALTER FUNCTION interests_store_events RESET plan_cache_mode",
        ),
        migrations.RunSQL(
            f"DROP INDEX IF EXISTS {LIKE_INDEX}",
            f"CREATE INDEX {LIKE_INDEX} ON interests_interaction (event_id varchar_pattern_ops)",
        ),
    ]
