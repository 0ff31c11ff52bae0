from django.db import migrations

OLD, NEW = "new end users", "new end users before any event"


def rename(old, new):
    def change(apps, schema_editor):
        apps.get_model("recommender", "MetricValue").objects.filter(segment=old).update(segment=new)

    return change


class Migration(migrations.Migration):
    """Evaluations call the part of end users without any event what it is, beside those after 1, 3 and 5 events."""

    dependencies = [("recommender", "0018_slates_are_not_analysed")]

    operations = [migrations.RunPython(rename(OLD, NEW), rename(NEW, OLD))]
