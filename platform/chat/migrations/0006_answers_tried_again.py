import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

import tenants.base
from tenants.rls import IsolateTenantTables


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0005_fence"),
        ("personas", "0003_memory_made_of"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AnswerTest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("question", models.TextField(verbose_name="question")),
                ("history", models.JSONField(blank=True, default=list)),
                ("variables", models.JSONField(blank=True, default=dict)),
                ("must_contain", models.JSONField(blank=True, default=list, verbose_name="must contain")),
                ("must_not_contain", models.JSONField(blank=True, default=list, verbose_name="must not contain")),
                ("must_cite", models.JSONField(blank=True, default=list, verbose_name="must cite")),
                ("must_hand_over", models.BooleanField(default=False, verbose_name="must offer a person")),
                ("must_decline", models.BooleanField(default=False, verbose_name="must say that it does not know")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created"),
                ),
                (
                    "persona",
                    tenants.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="answer_tests",
                        to="personas.persona",
                        verbose_name="persona",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "answer test",
                "verbose_name_plural": "answer tests",
                "indexes": [models.Index(fields=["tenant", "persona", "id"], name="answer_test_of_persona")],
            },
        ),
        migrations.CreateModel(
            name="Replay",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("error_code", models.CharField(blank=True, default="", max_length=60)),
                ("error_detail", models.TextField(blank=True, default="")),
                ("created_by", models.CharField(blank=True, default="", max_length=200, verbose_name="by")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="when")),
                ("finished_at", models.DateTimeField(null=True)),
                ("result", models.JSONField(default=dict)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "turn",
                    tenants.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="replays",
                        to="chat.turn",
                    ),
                ),
            ],
            options={
                "verbose_name": "replay",
                "verbose_name_plural": "replays",
                "indexes": [models.Index(fields=["tenant", "turn", "-id"], name="replay_newest")],
            },
        ),
        migrations.CreateModel(
            name="TestRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("error_code", models.CharField(blank=True, default="", max_length=60)),
                ("error_detail", models.TextField(blank=True, default="")),
                ("created_by", models.CharField(blank=True, default="", max_length=200, verbose_name="by")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="when")),
                ("finished_at", models.DateTimeField(null=True)),
                ("total", models.PositiveIntegerField(default=0)),
                ("passed", models.PositiveIntegerField(default=0, verbose_name="passed")),
                ("results", models.JSONField(default=list)),
                (
                    "persona",
                    tenants.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="test_runs",
                        to="personas.persona",
                        verbose_name="persona",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "test run",
                "verbose_name_plural": "test runs",
                "indexes": [models.Index(fields=["tenant", "persona", "-id"], name="test_run_newest")],
            },
        ),
        IsolateTenantTables(["answertest", "replay", "testrun"]),
    ]
