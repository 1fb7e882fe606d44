from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0006_answers_tried_again")]

    operations = [
        migrations.AddField("answertest", "has_passed", models.BooleanField(editable=False, null=True)),
    ]
