from django.db import migrations


class Migration(migrations.Migration):
    """What tells of somebody's interests: all events but those they want forgotten, none of who opted out.

    A doubtful time says nothing, so there it is the arrival that lies before or after `forget_before`.
    """

    dependencies = [
        ("interests", "0013_outcomes_of_kinds_and_dwell"),
    ]

    operations = [
        migrations.RunSQL(
            """
            CREATE VIEW interests_used_interaction AS
            SELECT event.id, event.end_user_id, event.item_id, event.kind_id, event.value,
                event.occurred_at, event.received_at, event.is_time_doubtful
            FROM interests_interaction AS event
            WHERE NOT EXISTS (
                SELECT FROM interests_controls AS controls
                WHERE controls.end_user_id = event.end_user_id
                AND (controls.is_opted_out OR controls.forget_before > CASE
                    WHEN event.is_time_doubtful THEN event.received_at ELSE event.occurred_at END)
            )
            """,
            reverse_sql="DROP VIEW interests_used_interaction",
        ),
    ]
