from importlib import import_module

from django.db import migrations

# The look into both tables and the two inserts are made by one at a time where the same id may come as an event
# and as an impression at once: each insert sees conflicts in its own table alone. An id belongs to one of 256
# locks. Events share it, for their own table keeps them apart; impressions hold it alone. Everybody takes
# them in their order and before anything else, so nobody waits in a circle. A lock for each id would not fit
# into PostgreSQL's table of locks with a few batches of a thousand at once.
#
# One event, which is what most requests are, needs no query to find and take its lock: an assignment is an
# expression alone, and cheaper than PERFORM.
LOCKS = """
    IF cardinality(event_ids) = 1 AND kind_ids[1] > 0 THEN
        held := pg_advisory_xact_lock_shared(7284, hashtext(event_ids[1]) & 255);
    ELSE
        PERFORM CASE WHEN wanted.is_shown THEN pg_advisory_xact_lock(7284, wanted.number)
                     ELSE pg_advisory_xact_lock_shared(7284, wanted.number) END
        FROM (
            SELECT hashtext(g.event_id) & 255 AS number, bool_or(g.kind_id <= 0) AS is_shown
            FROM unnest(event_ids, kind_ids) AS g(event_id, kind_id)
            GROUP BY 1
            ORDER BY 1
        ) AS wanted;
    END IF;
"""
# Those of 0018 and 0020: a function that is replaced keeps none.
SETTINGS = """
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
    SET plan_cache_mode = force_generic_plan
"""
BEFORE = (
    import_module("interests.migrations.0012_events_in_one_statement")
    .STORE_EVENTS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    .replace("LANGUAGE plpgsql AS", f"LANGUAGE plpgsql {SETTINGS} AS")
)
AFTER = BEFORE.replace("    known text[];", "    known text[];\n    held text;").replace(
    "\n    known := ARRAY(", f"{LOCKS}\n    known := ARRAY("
)


class Migration(migrations.Migration):
    dependencies = [("interests", "0022_detectors_as_bytes")]

    operations = [migrations.RunSQL(AFTER, BEFORE)]
