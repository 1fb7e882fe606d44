from django.db import migrations, models

# Hooks with their secret stood in the documents of versions; they have to be put again.
STRIP = "UPDATE npc_worldversion SET document = document - 'hooks' WHERE document -> 'hooks' IS NOT NULL"


class Migration(migrations.Migration):
    dependencies = [
        ("npc", "0005_session_spent"),
    ]

    operations = [
        migrations.AddField(
            model_name="world",
            name="sealed_hooks",
            field=models.BinaryField(blank=True, default=bytes, editable=False),
        ),
        migrations.RunSQL(STRIP, migrations.RunSQL.noop),
    ]
