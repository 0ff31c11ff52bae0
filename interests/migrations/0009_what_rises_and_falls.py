"""States say which categories rise and fall."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("interests", "0008_areas_of_interest")]

    operations = [
        migrations.AddField(
            model_name="intereststate",
            name="rising",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.IntegerField(),
                help_text="Category ids whose recent share is above the usual beyond noise, the surest first. "
                "None: a release that did not say made it.",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="intereststate",
            name="falling",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.IntegerField(),
                help_text="The same below the usual.",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="intereststate",
            name="new",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.IntegerField(),
                help_text="Those of `rising` hardly seen before.",
                null=True,
                size=None,
            ),
        ),
    ]
