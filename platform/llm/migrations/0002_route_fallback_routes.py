from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("llm", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="route",
            name="fallback_routes",
            field=models.JSONField(blank=True, default=list, verbose_name="fallback routes"),
        ),
    ]
