from django.db import migrations

# What events of the kinds that every site starts with are when they follow a recommendation.
OUTCOMES = {
    "view": "click",
    "click": "click",
    "purchase": "conversion",
    "like": "like",
    "dislike": "dislike",
    "rating": "rating",
}


def name_outcomes(apps, schema_editor):
    kinds = apps.get_model("interests", "EventKind")
    for name, outcome in OUTCOMES.items():
        kinds.objects.filter(name=name, outcome="").update(outcome=outcome)


class Migration(migrations.Migration):
    dependencies = [("interests", "0014_events_that_are_used")]

    operations = [migrations.RunPython(name_outcomes, migrations.RunPython.noop)]
