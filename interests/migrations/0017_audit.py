from django.db import migrations

from recsite.access import auditing


class Migration(migrations.Migration):
    """Changes of these tables are noted in the audit; when a rule last looked is none."""

    dependencies = [
        ("access", "0005_audit"),
        ("interests", "0016_where_the_tracker_stands"),
    ]

    operations = [
        auditing.track("interests.controls", key="end_user_id", ignored=["updated_at"]),
        auditing.track("interests.alertrule", ignored=["looked_at"]),
        auditing.track("interests.eventkind"),
        auditing.track("interests.detectorchoice"),
    ]
