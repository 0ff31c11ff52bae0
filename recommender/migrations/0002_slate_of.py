from django.db import migrations

# The hot read as a function: PL/pgSQL keeps its plan for as long as a connection lives, and planning the
# join took four times as long as running it. Where an item of what is asked is hidden (they are few, and
# the index item_hidden holds only them) the slate is read once more without the hidden ones.
CREATE = """
CREATE FUNCTION recommender_slate_of(given_user_id text, num integer, skipped integer)
RETURNS TABLE (
    item_ids text[], scores double precision[], publication_id bigint, end_user_id bigint,
    generated_at timestamptz, events_through timestamptz
) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    slate_id bigint;
    has_hidden boolean;
BEGIN
    SELECT kept.id, kept.item_ids[skipped + 1:skipped + num], kept.scores[skipped + 1:skipped + num],
           kept.publication_id, kept.end_user_id, kept.generated_at, kept.events_through,
           EXISTS (
               SELECT FROM interests_item hidden
               WHERE hidden.is_hidden AND hidden.id = ANY (kept.items[1:skipped + num])
           )
    INTO slate_id, item_ids, scores, publication_id, end_user_id, generated_at, events_through,
         has_hidden
    FROM interests_enduser person
    JOIN recommender_slate kept ON kept.end_user_id = person.id
    JOIN recommender_serving serving ON serving.publication_id = kept.publication_id
    WHERE person.user_id = given_user_id;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF has_hidden THEN
        SELECT array_agg(shown.item_id ORDER BY shown.place),
               array_agg(shown.score ORDER BY shown.place)
        INTO item_ids, scores
        FROM (
            SELECT entry.item_id, entry.score, entry.place
            FROM recommender_slate kept
            CROSS JOIN unnest(kept.items, kept.item_ids, kept.scores)
                WITH ORDINALITY AS entry(item, item_id, score, place)
            WHERE kept.id = slate_id AND NOT EXISTS (
                SELECT FROM interests_item hidden WHERE hidden.id = entry.item AND hidden.is_hidden
            )
            ORDER BY entry.place
            LIMIT num OFFSET skipped
        ) shown;
    END IF;
    RETURN NEXT;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("interests", "0001_tables"),
        ("recommender", "0001_tables"),
    ]

    operations = [
        migrations.RunSQL(CREATE, "DROP FUNCTION recommender_slate_of(text, integer, integer)")
    ]
