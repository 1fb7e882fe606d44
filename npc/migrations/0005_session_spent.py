from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("npc", "0004_fact_vector"),
    ]

    operations = [
        migrations.AddField(
            model_name="gamesession",
            name="spent",
            field=models.JSONField(default=dict, editable=False),
        ),
    ]
