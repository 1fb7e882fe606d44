from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0008_retention")]

    operations = [
        migrations.AddIndex(
            "turn",
            models.Index(
                fields=["tenant", "conversation"],
                condition=models.Q(finished_at=None) | models.Q(holds_conversation=True),
                name="turn_unfinished",
            ),
        ),
    ]
