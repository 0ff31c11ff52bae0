import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('interests', '0012_events_in_one_statement'),
    ]

    operations = [
        migrations.AddField(
            model_name='eventkind',
            name='outcome',
            field=models.CharField(blank=True, choices=[('click', 'a click'), ('conversion', 'a conversion; its value is revenue'), ('like', 'satisfied'), ('dislike', 'not satisfied'), ('rating', 'a rating; its value is the rating')], db_default='', default='', help_text='What an event of this kind is when it follows a recommendation.', max_length=20),
        ),
        migrations.AddField(
            model_name='impression',
            name='dwell_seconds',
            field=models.FloatField(blank=True, help_text='For how long; none: that it was seen.', null=True),
        ),
        migrations.AlterField(
            model_name='impression',
            name='end_user',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='impressions', to='interests.enduser'),
        ),
        migrations.AddIndex(
            model_name='impression',
            index=models.Index(fields=['end_user', 'occurred_at'], name='impression_of_end_user'),
        ),
        migrations.AddConstraint(
            model_name='impression',
            constraint=models.CheckConstraint(condition=models.Q(('dwell_seconds', None), ('dwell_seconds__gte', 0), _connector='OR'), name='impression_dwell_is_not_negative'),
        ),
    ]
