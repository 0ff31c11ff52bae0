import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('interests', '0013_outcomes_of_kinds_and_dwell'),
        ('recommender', '0007_experiments'),
    ]

    operations = [
        migrations.CreateModel(
            name='LagSample',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(unique=True)),
                ('lag_seconds', models.FloatField(help_text='Since when the first person waited.')),
                ('num_waiting', models.PositiveIntegerField(help_text='People whose events their slate had not seen.')),
                ('num_set_aside', models.PositiveIntegerField()),
                ('num_refreshed', models.PositiveIntegerField(help_text='People, since the sample before.')),
            ],
        ),
        migrations.CreateModel(
            name='OutcomeCount',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('impressions_through', models.BigIntegerField(default=0, help_text='Key; counted.')),
                ('interactions_through', models.BigIntegerField(default=0)),
                ('impressions_noted', models.BigIntegerField(default=0, help_text='Key; to be counted next.')),
                ('interactions_noted', models.BigIntegerField(default=0)),
                ('noted_at', models.DateTimeField(null=True)),
                ('counted_at', models.DateTimeField(null=True)),
                ('reported_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='outcomes_are_counted_once')],
            },
        ),
        migrations.CreateModel(
            name='OutcomeRate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('span', models.CharField(choices=[('hour', 'Hour'), ('day', 'Day'), ('last-day', 'Last Day'), ('last-7-days', 'Last Week'), ('last-28-days', 'Last Month'), ('day-before', 'Day Before'), ('7-days-before', 'Week Before'), ('28-days-before', 'Month Before')], max_length=20)),
                ('begins_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('placement', models.BigIntegerField()),
                ('dimension', models.CharField(help_text='"all", or by what the answers are split.', max_length=100)),
                ('part', models.CharField(blank=True, help_text='Which part of the dimension.', max_length=200)),
                ('metric', models.CharField(choices=[('click_through', 'Click Through'), ('conversion', 'Conversion'), ('dwell', 'Dwell'), ('satisfaction', 'Satisfaction'), ('rating', 'Rating')], max_length=20)),
                ('value', models.FloatField()),
                ('low', models.FloatField(help_text='Of the 95 % interval over people. None: too few.', null=True)),
                ('high', models.FloatField(null=True)),
                ('median', models.FloatField(help_text="Of people's own values; of dwell alone.", null=True)),
                ('numerator', models.FloatField()),
                ('denominator', models.FloatField()),
                ('num_people', models.PositiveIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('span', 'begins_at', 'placement', 'dimension', 'part', 'metric'), name='one_rate_per_span_part_and_metric'), models.CheckConstraint(condition=models.Q(('low', None), models.Q(('high__gte', models.F('value')), ('low__lte', models.F('value'))), _connector='OR'), name='outcome_rate_lies_in_its_interval')],
            },
        ),
        migrations.CreateModel(
            name='OutcomeRefusal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('reason', models.CharField(choices=[('forged', 'the recommendation_id was not signed here'), ('unreadable', 'the recommendation_id is of another format'), ('foreign', 'the answer was given to somebody else'), ('doubtful', 'the time of the event cannot be right'), ('late', 'more than 7 days after the answer')], max_length=20)),
                ('num', models.PositiveBigIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('day', 'reason'), name='one_number_per_day_and_reason')],
            },
        ),
        migrations.CreateModel(
            name='OutcomeOfPerson',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(help_text='Of the answers, UTC.')),
                ('hour', models.PositiveSmallIntegerField(help_text='Of that day, 0 to 23, UTC.')),
                ('placement', models.BigIntegerField(help_text='Key; 0: a placement without a row.')),
                ('version', models.BigIntegerField(help_text='Key of its rules; 0: those that it starts with.')),
                ('run', models.BigIntegerField(help_text='Key of the publication; 0: none.')),
                ('source', models.CharField(choices=[('s', 'slate'), ('f', 'fallback'), ('x', 'session'), ('h', 'holdout'), ('i', 'interleaved')], max_length=1)),
                ('variants', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), help_text='Keys, ascending, of experiments.', size=None)),
                ('answers', models.PositiveIntegerField(help_text='Of which an item was seen.')),
                ('impressions', models.PositiveIntegerField(help_text='Items seen, once an answer.')),
                ('clicks', models.PositiveIntegerField(help_text='Items clicked, once an answer.')),
                ('conversions', models.PositiveIntegerField(help_text='Items converted, once an answer.')),
                ('revenue', models.FloatField(help_text="Sum of the conversions' values.")),
                ('dwell_seconds', models.FloatField()),
                ('num_dwells', models.PositiveIntegerField(help_text='Times an item was looked at for so long.')),
                ('likes', models.PositiveIntegerField()),
                ('feedbacks', models.PositiveIntegerField(help_text='Likes and dislikes, once an item and answer.')),
                ('rating_sum', models.FloatField()),
                ('num_ratings', models.PositiveIntegerField()),
                ('counted_at', models.DateTimeField()),
                ('end_user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='outcomes', to='interests.enduser')),
            ],
            options={
                'verbose_name_plural': 'outcomes of people',
                'indexes': [models.Index(fields=['day', 'hour'], name='outcome_by_hour'), models.Index(fields=['counted_at'], name='outcome_by_count')],
                'constraints': [models.UniqueConstraint(fields=('end_user', 'day', 'hour', 'placement', 'version', 'run', 'source', 'variants'), name='one_outcome_per_person_hour_and_origin'), models.CheckConstraint(condition=models.Q(('clicks__lte', models.F('impressions')), ('conversions__lte', models.F('impressions'))), name='outcome_clicks_and_conversions_were_seen'), models.CheckConstraint(condition=models.Q(('hour__lte', 23)), name='outcome_hour_is_of_a_day')],
            },
        ),
    ]
