from django.db import migrations

# All that an answer needs of a person in one statement; PL/pgSQL keeps its plans as long as a connection lives,
# and what is not asked for costs nothing. No row: nobody by this id. Without a slate `items` is null.
#
#   num              of the slate's items, so many are enough; null: all
#   given_items      of a list that goes on: they may have been used or hidden meanwhile; null: none
#   wants_seen       also what the slate keeps of used items
#   wants_weights    also the interest weights
#   wants_reasons    also the slate's reasons
#
# `used_items` are those of all items returned or given that the person has used, with when last and whether
# that was a negative signal. For unused ones of a slate that has seen everything there is no need to look.
READ = """
CREATE FUNCTION recommender_read(
    given_user_id text, num integer, given_items bigint[], wants_seen boolean, wants_weights boolean,
    wants_reasons boolean
) RETURNS TABLE (
    end_user_id bigint, is_opted_out boolean, muted integer[], boosts text,
    publication_id bigint, items bigint[], item_ids text[], scores double precision[],
    generated_at timestamptz, events_through timestamptz, hidden bigint[],
    seen_items bigint[], seen_item_ids text[], seen_scores double precision[], seen_at timestamptz[],
    used_items bigint[], used_at timestamptz[], used_is_negative boolean[],
    category_ids integer[], weights double precision[], reasons text
) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    person bigint;
    asked bigint[];
BEGIN
    SELECT alias.end_user_id INTO person FROM interests_alias alias WHERE alias.user_id = given_user_id;
    IF person IS NULL THEN
        SELECT own.id INTO person FROM interests_enduser own WHERE own.user_id = given_user_id;
        IF person IS NULL THEN
            RETURN;
        END IF;
    END IF;
    end_user_id := person;

    SELECT controls.is_opted_out, controls.muted_category_ids, controls.boosts::text
    INTO is_opted_out, muted, boosts
    FROM interests_controls controls WHERE controls.end_user_id = person;
    IF is_opted_out THEN
        RETURN NEXT;
        RETURN;
    END IF;

    SELECT slate.publication_id, slate.items[1:coalesce(num, 1000)],
           slate.item_ids[1:coalesce(num, 1000)], slate.scores[1:coalesce(num, 1000)],
           slate.generated_at, slate.events_through,
           CASE WHEN wants_seen THEN slate.seen_items END,
           CASE WHEN wants_seen THEN slate.seen_item_ids END,
           CASE WHEN wants_seen THEN slate.seen_scores END,
           CASE WHEN wants_seen THEN slate.seen_at END,
           CASE WHEN wants_reasons THEN slate.reasons::text END
    INTO publication_id, items, item_ids, scores, generated_at, events_through, seen_items,
         seen_item_ids, seen_scores, seen_at, reasons
    FROM recommender_serving serving
    JOIN recommender_slate slate
        ON slate.publication_id = serving.publication_id AND slate.end_user_id = person;

    IF EXISTS (SELECT FROM interests_changemark mark WHERE mark.end_user_id = person) THEN
        asked := items || seen_items || given_items;
    ELSE
        asked := seen_items || given_items;
    END IF;
    IF cardinality(asked) > 0 THEN
        SELECT array_agg(last.item_id), array_agg(last.occurred_at), array_agg(last.weight < 0)
        INTO used_items, used_at, used_is_negative
        FROM (
            SELECT DISTINCT ON (event.item_id) event.item_id, event.occurred_at, kind.weight
            FROM interests_used_interaction event
            JOIN interests_eventkind kind ON kind.id = event.kind_id
            WHERE event.end_user_id = person AND event.item_id = ANY(asked)
            ORDER BY event.item_id, event.occurred_at DESC, event.id DESC
        ) last;
    END IF;

    asked := items || seen_items || given_items;
    SELECT array_agg(item.id) INTO hidden FROM interests_item item
    WHERE item.is_hidden AND item.id = ANY(asked);

    IF wants_weights THEN
        SELECT state.category_ids, state.weights INTO category_ids, weights
        FROM interests_enduser own JOIN interests_intereststate state ON state.id = own.current_state_id
        WHERE own.id = person;
    END IF;
    RETURN NEXT;
END
$$
"""
UNDO = (
    "DROP FUNCTION recommender_read(text, integer, bigint[], boolean, boolean, boolean)"
)


class Migration(migrations.Migration):
    dependencies = [
        ("interests", "0015_outcome_of_each_kind"),
        ("recommender", "0012_audit"),
    ]

    operations = [migrations.RunSQL(READ, UNDO)]
