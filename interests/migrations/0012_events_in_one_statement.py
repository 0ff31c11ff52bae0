from django.db import migrations, models

SENT_HELP = "When it occurred by the sender's clock, where that clock was wrong and was corrected."

# Stores a batch that `interests.services.recording` has checked; see there. One statement instead of six:
# one way to the server and back, plans that a session keeps, and no transaction that is open in between.
#
# Everybody writes end users, then items, then events, then marks, then impressions, each in the order of
# their ids: two transactions that meet wait for one another, never in a circle. The arrays come in the order
# of event_ids.
STORE_EVENTS = """
CREATE FUNCTION interests_store_events(
    arrived_at timestamptz, lock_milliseconds integer,
    event_ids text[], user_ids text[], item_ids text[], kind_ids bigint[], given_values double precision[],
    times timestamptz[], sent_times timestamptz[], session_ids text[], recommendation_ids text[],
    doubts boolean[],
    OUT num_events integer, OUT num_impressions integer
) LANGUAGE plpgsql AS $$
DECLARE
    known text[];
    people bigint[];
    things bigint[];
BEGIN
    num_events := 0;
    num_impressions := 0;
    PERFORM set_config('lock_timeout', lock_milliseconds::text, TRUE);

    known := ARRAY(
        SELECT event_id FROM interests_interaction WHERE event_id = ANY(event_ids)
        UNION ALL
        SELECT event_id FROM interests_impression WHERE event_id = ANY(event_ids)
    );
    IF known <> '{}' THEN
        SELECT array_agg(g.event_id), array_agg(g.user_id), array_agg(g.item_id), array_agg(g.kind_id),
               array_agg(g.value), array_agg(g.occurred_at), array_agg(g.sent), array_agg(g.session_id),
               array_agg(g.recommendation_id), array_agg(g.doubt)
        INTO event_ids, user_ids, item_ids, kind_ids, given_values, times, sent_times, session_ids,
             recommendation_ids, doubts
        FROM unnest(event_ids, user_ids, item_ids, kind_ids, given_values, times, sent_times, session_ids,
                    recommendation_ids, doubts)
             AS g(event_id, user_id, item_id, kind_id, value, occurred_at, sent, session_id,
                  recommendation_id, doubt)
        WHERE g.event_id <> ALL(known);
        IF event_ids IS NULL THEN
            RETURN;
        END IF;
    END IF;

    FOR attempt IN 1..2 LOOP
        SELECT array_agg(coalesce(alias.end_user_id, person.id) ORDER BY given.place),
               array_agg(item.id ORDER BY given.place)
        INTO people, things
        FROM unnest(user_ids, item_ids) WITH ORDINALITY AS given(user_id, item_id, place)
        LEFT JOIN interests_alias alias ON alias.user_id = given.user_id
        LEFT JOIN interests_enduser person ON person.user_id = given.user_id
        LEFT JOIN interests_item item ON item.item_id = given.item_id;
        EXIT WHEN array_position(people, NULL) IS NULL AND array_position(things, NULL) IS NULL;
        IF attempt = 2 THEN  -- somebody was erased or merged just now
            RAISE EXCEPTION 'what the events name went away' USING ERRCODE = 'serialization_failure';
        END IF;

        INSERT INTO interests_enduser (user_id, attributes, created_at, num_events)
        SELECT DISTINCT given.user_id COLLATE "C", '{}'::jsonb, arrived_at, 0
        FROM unnest(user_ids, people) AS given(user_id, key)
        WHERE given.key IS NULL
        ORDER BY 1
        ON CONFLICT (user_id) DO NOTHING;

        INSERT INTO interests_item
            (item_id, title, description, attributes, is_described, is_hidden, created_at)
        SELECT DISTINCT given.item_id COLLATE "C", '', '', '{}'::jsonb, FALSE, FALSE, arrived_at
        FROM unnest(item_ids, things) AS given(item_id, key)
        WHERE given.key IS NULL
        ORDER BY 1
        ON CONFLICT (item_id) DO NOTHING;
    END LOOP;

    WITH stored AS (
        INSERT INTO interests_interaction
            (event_id, end_user_id, item_id, kind_id, value, occurred_at, received_at, session_id,
             recommendation_id, is_time_doubtful, occurred_at_sent)
        SELECT g.event_id, g.person, g.thing, g.kind_id, g.value, g.occurred_at, arrived_at, g.session_id,
               g.recommendation_id, g.doubt, g.sent
        FROM unnest(event_ids, people, things, kind_ids, given_values, times, sent_times, session_ids,
                    recommendation_ids, doubts)
             AS g(event_id, person, thing, kind_id, value, occurred_at, sent, session_id,
                  recommendation_id, doubt)
        WHERE g.kind_id > 0
        ON CONFLICT (event_id) DO NOTHING
        RETURNING end_user_id
    ),
    marked AS (
        INSERT INTO interests_changemark (end_user_id, marked_at, generation)
        SELECT DISTINCT end_user_id, arrived_at, 1 FROM stored ORDER BY end_user_id
        ON CONFLICT (end_user_id)
        DO UPDATE SET generation = interests_changemark.generation + 1
    )
    SELECT count(*) INTO num_events FROM stored;

    -- 0: an item was seen; -1: it was looked at for so many seconds. The column came with a later migration.
    IF 0 >= ANY(kind_ids) THEN
        INSERT INTO interests_impression
            (event_id, end_user_id, item_id, dwell_seconds, occurred_at, received_at, session_id,
             recommendation_id, is_time_doubtful, occurred_at_sent)
        SELECT g.event_id, g.person, g.thing, CASE WHEN g.kind_id < 0 THEN g.value END, g.occurred_at,
               arrived_at, g.session_id, g.recommendation_id, g.doubt, g.sent
        FROM unnest(event_ids, people, things, kind_ids, given_values, times, sent_times, session_ids,
                    recommendation_ids, doubts)
             AS g(event_id, person, thing, kind_id, value, occurred_at, sent, session_id,
                  recommendation_id, doubt)
        WHERE g.kind_id <= 0
        ON CONFLICT (event_id) DO NOTHING;
        GET DIAGNOSTICS num_impressions = ROW_COUNT;
    END IF;
END
$$
"""
DROP = "DROP FUNCTION interests_store_events"


class Migration(migrations.Migration):

    dependencies = [("interests", "0011_controls_aliases_and_impressions")]

    operations = [
        migrations.AddField("interaction", "occurred_at_sent", models.DateTimeField(blank=True, help_text=SENT_HELP, null=True)),
        migrations.AddField("impression", "occurred_at_sent", models.DateTimeField(blank=True, help_text=SENT_HELP, null=True)),
        migrations.RunSQL(STORE_EVENTS, DROP),
    ]
