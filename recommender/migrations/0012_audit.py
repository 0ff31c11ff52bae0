from django.db import migrations

from recsite.access import auditing


class Migration(migrations.Migration):
    """Changes of these tables are noted in the audit."""

    dependencies = [
        ("access", "0005_audit"),
        ("recommender", "0011_people_of_experiments"),
    ]

    operations = [
        auditing.track("recommender.placement"),
        auditing.track("recommender.placementversion"),
        auditing.track("recommender.experiment"),
        auditing.track("recommender.variant"),
    ]
