from django.db import migrations

# Rules name categories. The rules of every version, live or not, go on naming the same ones: a trigger follows
# every way to rename a category; what is merged, `services.renaming` tells. Either names each category that has
# another name now, and that name.
#
# Where two categories of one rule became one, a list names it once, and of boosts that say the same but for
# their factor, one for each, the strongest stays; boosts that were twice before are twice after.
FUNCTIONS = """
CREATE FUNCTION recommender_rename_categories(names text[], becomes text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    rule text;
BEGIN
    FOREACH rule IN ARRAY ARRAY['categories_in', 'categories_out'] LOOP
        UPDATE recommender_placementversion SET rules = jsonb_set(rules, ARRAY[rule], (
            SELECT jsonb_agg(renamed.name ORDER BY renamed.place)
            FROM (
                SELECT coalesce(becomes[array_position(names, own.name)], own.name) AS name,
                       min(own.place) AS place
                FROM jsonb_array_elements_text(rules -> rule) WITH ORDINALITY AS own(name, place)
                GROUP BY 1
            ) AS renamed
        ))
        WHERE rules -> rule ?| names;
    END LOOP;

    UPDATE recommender_placementversion SET rules = jsonb_set(rules, '{boosts}', (
        SELECT jsonb_agg(kept.boost ORDER BY kept.place)
        FROM (
            SELECT DISTINCT ON (renamed.boost - 'factor', renamed.turn) renamed.boost, renamed.place
            FROM (
                SELECT CASE WHEN own.boost ->> 'category' = ANY(names) THEN jsonb_set(
                           own.boost, '{category}',
                           to_jsonb(becomes[array_position(names, own.boost ->> 'category')])
                       ) ELSE own.boost END AS boost,
                       own.place,
                       row_number() OVER (PARTITION BY own.boost - 'factor' ORDER BY own.place) AS turn
                FROM jsonb_array_elements(rules -> 'boosts') WITH ORDINALITY AS own(boost, place)
            ) AS renamed
            ORDER BY renamed.boost - 'factor', renamed.turn, (renamed.boost -> 'factor')::float8 DESC
        ) AS kept
    ))
    WHERE jsonb_path_query_array(rules, '$.boosts[*].category') ?| names;
END $$;

CREATE FUNCTION recommender_categories_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    names text[];
    becomes text[];
BEGIN
    SELECT array_agg(b.name), array_agg(a.name) INTO names, becomes
    FROM after_rows a JOIN before_rows b USING (id) WHERE a.name <> b.name;
    IF names IS NOT NULL THEN
        PERFORM recommender_rename_categories(names, becomes);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER recommender_rename_categories AFTER UPDATE ON interests_category
REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
FOR EACH STATEMENT EXECUTE FUNCTION recommender_categories_renamed();
"""
UNDO = """
DROP FUNCTION recommender_categories_renamed() CASCADE;
DROP FUNCTION recommender_rename_categories(text[], text[]);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("interests", "0022_detectors_as_bytes"),
        ("recommender", "0019_new_end_users_before_any_event"),
    ]

    operations = [migrations.RunSQL(FUNCTIONS, UNDO)]
