from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0009_unfinished_turns")]

    operations = [migrations.AddField("turn", "piece_lengths", ArrayField(models.IntegerField(), null=True))]
