import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('interests', '0010_reports_are_called_so'),
    ]

    operations = [
        migrations.CreateModel(
            name='Controls',
            fields=[
                ('end_user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='controls', serialize=False, to='interests.enduser')),
                ('muted_category_ids', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), blank=True, default=list, help_text='Never shown to this person.', size=None)),
                ('boosts', models.JSONField(blank=True, default=dict, help_text="A category's key as text, and by what its items' scores count: above 1 more, below less.")),
                ('forget_before', models.DateTimeField(blank=True, help_text='Events before this are kept and no longer used.', null=True)),
                ('is_opted_out', models.BooleanField(default=False, help_text='Gets what everybody gets; nothing is worked out of their events.')),
                ('updated_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'controls',
            },
        ),
        migrations.CreateModel(
            name='Alias',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user_id', models.CharField(max_length=512, unique=True)),
                ('created_at', models.DateTimeField()),
                ('end_user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='aliases', to='interests.enduser')),
            ],
            options={
                'verbose_name_plural': 'aliases',
                'constraints': [models.CheckConstraint(condition=models.Q(('user_id', ''), _negated=True), name='alias_user_id_is_not_empty')],
            },
        ),
        migrations.CreateModel(
            name='Impression',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.CharField(max_length=512, unique=True)),
                ('recommendation_id', models.CharField(blank=True, max_length=512)),
                ('session_id', models.CharField(blank=True, max_length=512)),
                ('occurred_at', models.DateTimeField()),
                ('received_at', models.DateTimeField()),
                ('is_time_doubtful', models.BooleanField(default=False)),
                ('end_user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='impressions', to='interests.enduser')),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='interests.item')),
            ],
            options={
                'indexes': [models.Index(fields=['received_at', 'id'], name='impression_by_arrival')],
                'constraints': [models.CheckConstraint(condition=models.Q(('event_id', ''), _negated=True), name='impression_event_id_is_not_empty')],
            },
        ),
    ]
