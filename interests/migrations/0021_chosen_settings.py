import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from recsite.access import auditing


class Migration(migrations.Migration):
    """Settings that somebody chose for an algorithm; changes of them are noted in the audit."""

    dependencies = [
        ('access', '0005_audit'),
        ('interests', '0020_plans_that_are_kept'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ChosenSettings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('algorithm', models.CharField(max_length=50, unique=True)),
                ('settings', models.JSONField(help_text='By name, "changes.width" for the width among the changes of the network.')),
                ('study_number', models.PositiveBigIntegerField(blank=True, help_text='The study that found them; it may be gone.', null=True)),
                ('chosen_at', models.DateTimeField()),
                ('chosen_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'chosen settings',
                'verbose_name_plural': 'chosen settings',
            },
        ),
        auditing.track("interests.chosensettings"),
    ]
