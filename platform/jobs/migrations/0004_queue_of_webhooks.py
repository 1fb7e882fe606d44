from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0003_index_jobs_that_are_over"),
    ]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="queue",
            field=models.CharField(
                choices=[
                    ("interactive", "Interactive"),
                    ("embedding", "Embedding"),
                    ("analytics", "Analytics"),
                    ("memory", "Memory"),
                    ("webhooks", "Webhooks"),
                    ("maintenance", "Maintenance"),
                ],
                max_length=20,
                verbose_name="queue",
            ),
        ),
    ]
