import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("personas", "0002_memory"),
    ]

    operations = [
        migrations.AddField(
            model_name="memory",
            name="made_of",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), default=list, editable=False, size=None
            ),
        ),
        migrations.AddIndex(
            model_name="memory",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("made_of", []), _negated=True), fields=["made_of"], name="memory_made_of"
            ),
        ),
    ]
