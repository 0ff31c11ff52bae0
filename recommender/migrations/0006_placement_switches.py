import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("recommender", "0005_default_placement"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PlacementSwitch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("switched_at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("placement", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="switches", to="recommender.placement")),
                ("switched_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("version", models.ForeignKey(help_text="None: the rules that a placement starts with.", null=True, on_delete=django.db.models.deletion.CASCADE, related_name="switches", to="recommender.placementversion")),
            ],
            options={"verbose_name_plural": "placement switches"},
        ),
    ]
