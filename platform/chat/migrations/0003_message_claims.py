from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0002_turn_is_retryable")]

    operations = [
        migrations.AddField("message", "claims", models.JSONField(default=list)),
        migrations.AddField("message", "suggestions", models.JSONField(default=list)),
    ]
