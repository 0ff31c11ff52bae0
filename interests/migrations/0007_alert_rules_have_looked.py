from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("interests", "0006_snapshots_of_a_run"),
    ]

    operations = [
        migrations.AddField(
            model_name="alertrule",
            name="looked_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Until when it has looked; what came later is new to it.",
                null=True,
            ),
        ),
    ]
