from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('crb', '0004_kept_seats'),
    ]

    operations = [
        migrations.AddField(
            model_name='boardoutcome',
            name='promised',
            field=models.CharField(blank=True, db_default='', default='', max_length=500, verbose_name='what it promised'),
        ),
    ]
