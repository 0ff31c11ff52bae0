import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0003_keys_for_browsers'),
    ]

    operations = [
        migrations.AlterField(
            model_name='apikey',
            name='scopes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('events:write', 'post events'), ('recommendations:read', 'read recommendations, similar and popular items'), ('interests:read', 'read interests and drift of end users'), ('items:read', 'read items'), ('items:write', 'write items'), ('runs:read', 'read runs and evaluations'), ('users:read', 'read the controls of end users and all that is held about them'), ('users:write', 'set controls of end users, merge and erase them'), ('metrics:read', 'read /metrics')], max_length=30), size=None),
        ),
    ]
