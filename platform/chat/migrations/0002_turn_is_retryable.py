from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0001_initial")]

    operations = [
        migrations.AddField("turn", "is_retryable", models.BooleanField(default=True)),
    ]
