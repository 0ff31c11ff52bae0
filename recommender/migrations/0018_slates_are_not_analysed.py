from django.db import migrations

# Lists of 200 are no columns that a plan depends on. Where slates are renewed all the time, PostgreSQL was
# found counting how often which item is in them in every tenth look.
COLUMNS = (
    "items", "item_ids", "scores", "seen_items", "seen_item_ids", "seen_scores", "seen_at", "reasons",
)  # fmt: skip


def statistics(target):
    changes = ", ".join(f"ALTER COLUMN {name} SET STATISTICS {target}" for name in COLUMNS)
    return f"ALTER TABLE recommender_slate {changes}"


class Migration(migrations.Migration):
    dependencies = [("recommender", "0017_studies")]

    operations = [migrations.RunSQL(statistics(0), statistics(-1))]
