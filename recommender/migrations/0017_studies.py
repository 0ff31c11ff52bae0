import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recommender', '0016_evaluation_lists_and_holds'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Study',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('started', 'Started'), ('done', 'Done'), ('failed', 'Failed'), ('stopped', 'Stopped')], default='waiting', max_length=10)),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('seed', models.PositiveIntegerField(default=0)),
                ('window_from', models.DateTimeField(blank=True, null=True)),
                ('window_to', models.DateTimeField(blank=True, null=True)),
                ('requested_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('lease_expires_at', models.DateTimeField(blank=True, null=True)),
                ('is_stop_requested', models.BooleanField(default=False)),
                ('step', models.CharField(blank=True, help_text='What it is doing, in words.', max_length=200)),
                ('share_done', models.FloatField(default=0.0)),
                ('results', models.JSONField(blank=True, default=dict)),
                ('error', models.TextField(blank=True, help_text='Why it failed and what to do about it.')),
                ('algorithm', models.CharField(max_length=50)),
                ('sampler', models.CharField(choices=[('tpe', 'Tpe'), ('random', 'Random'), ('grid', 'Grid')], default='tpe', max_length=10)),
                ('num_trials', models.PositiveIntegerField(default=30, help_text='At most so many; the first is of the usual settings.')),
                ('max_at_once', models.PositiveSmallIntegerField(default=4, help_text='Trials at work at the same time, at most.')),
                ('split', models.CharField(choices=[('leave-one-out', 'Leave One Out'), ('time', 'Time')], default='leave-one-out', max_length=20)),
                ('space', models.JSONField(blank=True, default=list, help_text='What may be tried; known when it has begun.')),
                ('start', models.JSONField(blank=True, default=dict, help_text='The usual settings, which it begins with.')),
                ('requested_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'study',
                'verbose_name_plural': 'studies',
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Trial',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('started', 'Started'), ('done', 'Done'), ('failed', 'Failed'), ('stopped', 'Stopped')], default='waiting', max_length=10)),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('seed', models.PositiveIntegerField(default=0)),
                ('window_from', models.DateTimeField(blank=True, null=True)),
                ('window_to', models.DateTimeField(blank=True, null=True)),
                ('requested_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('lease_expires_at', models.DateTimeField(blank=True, null=True)),
                ('is_stop_requested', models.BooleanField(default=False)),
                ('step', models.CharField(blank=True, help_text='What it is doing, in words.', max_length=200)),
                ('share_done', models.FloatField(default=0.0)),
                ('results', models.JSONField(blank=True, default=dict)),
                ('error', models.TextField(blank=True, help_text='Why it failed and what to do about it.')),
                ('number', models.PositiveIntegerField(help_text='From 0, the trial of the usual settings.')),
                ('value', models.FloatField(blank=True, help_text='NDCG@10 on validation, of a trial that came to its end.', null=True)),
                ('is_pruned', models.BooleanField(default=False, help_text='Ended early, because it did worse than half of the others.')),
                ('reached', models.JSONField(blank=True, default=list, help_text='Values on the way: step, NDCG@10.')),
                ('requested_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('study', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='trials', to='recommender.study')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddIndex(
            model_name='study',
            index=models.Index(fields=['state', '-requested_at'], name='study_by_state'),
        ),
        migrations.AddConstraint(
            model_name='study',
            constraint=models.CheckConstraint(condition=models.Q(('share_done__gte', 0), ('share_done__lte', 1)), name='study_share_done_is_between_0_and_1'),
        ),
        migrations.AddConstraint(
            model_name='study',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at', None), ('state__in', ['waiting', 'started'])), models.Q(('finished_at__isnull', False), ('state__in', ['done', 'failed', 'stopped'])), _connector='OR'), name='study_has_an_end_exactly_when_it_has_ended'),
        ),
        migrations.AddIndex(
            model_name='trial',
            index=models.Index(fields=['state', '-requested_at'], name='trial_by_state'),
        ),
        migrations.AddConstraint(
            model_name='trial',
            constraint=models.CheckConstraint(condition=models.Q(('share_done__gte', 0), ('share_done__lte', 1)), name='trial_share_done_is_between_0_and_1'),
        ),
        migrations.AddConstraint(
            model_name='trial',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at', None), ('state__in', ['waiting', 'started'])), models.Q(('finished_at__isnull', False), ('state__in', ['done', 'failed', 'stopped'])), _connector='OR'), name='trial_has_an_end_exactly_when_it_has_ended'),
        ),
        migrations.AddConstraint(
            model_name='trial',
            constraint=models.UniqueConstraint(fields=('study', 'number'), name='one_trial_of_a_number_in_a_study'),
        ),
        migrations.AddConstraint(
            model_name='trial',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'done'), models.Q(('is_pruned', False), ('value', None)), _connector='OR'), name='only_a_trial_that_is_done_has_a_value_or_was_pruned'),
        ),
    ]
