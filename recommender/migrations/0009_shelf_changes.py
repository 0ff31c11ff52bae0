import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models.functions import Now

# Statement-level triggers: one look at what a statement changed, however many rows it had. Items that only
# events have named tell nothing, so they make no row; a large import is told as "too many to name".
FUNCTIONS = """
CREATE FUNCTION recommender_note_items(keys bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(keys) > 0 THEN
        INSERT INTO recommender_shelfchange (kind, items)
        VALUES ('items', CASE WHEN cardinality(keys) <= 2000 THEN keys END);
    END IF;
END $$;
CREATE FUNCTION recommender_items_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM recommender_note_items(ARRAY(SELECT id FROM after_rows WHERE is_described OR is_hidden));
    RETURN NULL;
END $$;
CREATE FUNCTION recommender_items_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM recommender_note_items(ARRAY(
        SELECT a.id FROM after_rows a JOIN before_rows b USING (id)
        WHERE (a.item_id, a.title, a.attributes, a.is_described, a.is_hidden, a.created_at)
            IS DISTINCT FROM (b.item_id, b.title, b.attributes, b.is_described, b.is_hidden, b.created_at)
    ));
    RETURN NULL;
END $$;
CREATE FUNCTION recommender_items_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM recommender_note_items(ARRAY(SELECT id FROM before_rows));
    RETURN NULL;
END $$;
CREATE FUNCTION recommender_links_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM recommender_note_items(ARRAY(SELECT DISTINCT item_id FROM after_rows));
    RETURN NULL;
END $$;
CREATE FUNCTION recommender_links_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM recommender_note_items(ARRAY(
        SELECT item_id FROM after_rows UNION SELECT item_id FROM before_rows
    ));
    RETURN NULL;
END $$;
CREATE FUNCTION recommender_links_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM recommender_note_items(ARRAY(SELECT DISTINCT item_id FROM before_rows));
    RETURN NULL;
END $$;
-- The trigger's one argument is the kind of change.
CREATE FUNCTION recommender_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO recommender_shelfchange (kind) VALUES (TG_ARGV[0]);
    RETURN NULL;
END $$;
"""
TRIGGERS = {
    "interests_item": ("added", "changed", "removed"),
    "interests_item_categories": ("added", "changed", "removed"),
}
WHOLE = {
    "interests_category": "categories",
    "recommender_popularitems": "popular",
    "recommender_placement": "plans",
    "recommender_placementversion": "plans",
    "recommender_experiment": "plans",
    "recommender_variant": "plans",
}
ROWS = {
    "added": ("INSERT", "NEW TABLE AS after_rows"),
    "changed": ("UPDATE", "OLD TABLE AS before_rows NEW TABLE AS after_rows"),
    "removed": ("DELETE", "OLD TABLE AS before_rows"),
}


def triggers():
    for table, verbs in TRIGGERS.items():
        what = "links" if table.endswith("categories") else "items"
        for verb in verbs:
            event, rows = ROWS[verb]
            yield (
                f"CREATE TRIGGER recommender_note_{verb} AFTER {event} ON {table} REFERENCING {rows} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION recommender_{what}_{verb}()"
            )
    for table, kind in WHOLE.items():
        yield (
            f"CREATE TRIGGER recommender_note_change AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION recommender_note_change('{kind}')"
        )


UNDO = """
DROP FUNCTION recommender_items_added() CASCADE;
DROP FUNCTION recommender_items_changed() CASCADE;
DROP FUNCTION recommender_items_removed() CASCADE;
DROP FUNCTION recommender_links_added() CASCADE;
DROP FUNCTION recommender_links_changed() CASCADE;
DROP FUNCTION recommender_links_removed() CASCADE;
DROP FUNCTION recommender_note_change() CASCADE;
DROP FUNCTION recommender_note_items(bigint[]);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("interests", "0015_outcome_of_each_kind"),
        ("recommender", "0008_outcomes"),
    ]

    operations = [
        migrations.CreateModel(
            name="ShelfChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("items", "Items"), ("categories", "Categories"), ("popular", "Popular"), ("plans", "Plans")], max_length=10)),
                ("items", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), help_text="Keys of the items, where `kind` is items. None: too many to name.", null=True, size=None)),
                ("noticed_at", models.DateTimeField(help_text="When it was first seen after its commit; it is removed minutes later.", null=True)),
                ("created_at", models.DateTimeField(db_default=Now())),
            ],
        ),
        migrations.RunSQL(FUNCTIONS, UNDO),
        *(migrations.RunSQL(one, migrations.RunSQL.noop) for one in triggers()),
    ]
