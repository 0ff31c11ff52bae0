from django.db import migrations

# Starting weights; curators change them. A purchase tells more than a view; a dislike speaks against.
WEIGHTS = {
    "view": 1.0,
    "click": 1.0,
    "rating": 1.0,
    "like": 2.0,
    "purchase": 3.0,
    "dislike": -1.0,
}


def add_kinds(apps, schema_editor):
    kinds = apps.get_model("interests", "EventKind")
    kinds.objects.bulk_create(
        [kinds(name=name, weight=weight) for name, weight in WEIGHTS.items()], ignore_conflicts=True
    )


class Migration(migrations.Migration):
    dependencies = [("interests", "0002_weights_sum_to_one")]

    operations = [migrations.RunPython(add_kinds, migrations.RunPython.noop)]
