import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('interests', '0011_controls_aliases_and_impressions'),
        ('recommender', '0003_interest_map'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Placement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(help_text='What requests name: letters, digits, - and _.', unique=True)),
                ('description', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='PlacementVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(help_text='Counted from 1 in each placement.')),
                ('rules', models.JSONField(help_text='What `ranking.rules.Rules.to_plain` writes.')),
                ('note', models.CharField(blank=True, help_text='Why, in a sentence.', max_length=500)),
                ('created_at', models.DateTimeField()),
                ('went_live_at', models.DateTimeField(blank=True, help_text='When it did first.', null=True)),
            ],
        ),
        migrations.AddField(
            model_name='slate',
            name='reasons',
            field=models.JSONField(help_text='Why the first items are there, see `services.reasoning`. None: not yet worked out.', null=True),
        ),
        migrations.AddField(
            model_name='slate',
            name='seen_at',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), db_default=[], default=list, help_text='When each was used last.', size=None),
        ),
        migrations.AddField(
            model_name='slate',
            name='seen_item_ids',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name='slate',
            name='seen_items',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), db_default=[], default=list, help_text='The best of those the person has used, best first, for placements that show them again.', size=None),
        ),
        migrations.AddField(
            model_name='slate',
            name='seen_scores',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), db_default=[], default=list, size=None),
        ),
        migrations.AddConstraint(
            model_name='slate',
            constraint=models.CheckConstraint(condition=models.Q(('seen_item_ids__len', models.F('seen_items__len')), ('seen_scores__len', models.F('seen_items__len')), ('seen_at__len', models.F('seen_items__len'))), name='slate_arrays_of_seen_items_are_equally_long'),
        ),
        migrations.AddField(
            model_name='placementversion',
            name='created_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='placementversion',
            name='placement',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='recommender.placement'),
        ),
        migrations.AddField(
            model_name='placement',
            name='live_version',
            field=models.ForeignKey(blank=True, help_text='Whose rules answer. None: the rules that a placement starts with.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='recommender.placementversion'),
        ),
        migrations.AddConstraint(
            model_name='placementversion',
            constraint=models.UniqueConstraint(fields=('placement', 'number'), name='one_version_per_placement_and_number'),
        ),
        migrations.AddConstraint(
            model_name='placement',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='placement_name_is_not_empty'),
        ),
    ]
