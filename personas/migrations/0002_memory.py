import django.db.models.deletion
import django.utils.timezone
import pgvector.django.halfvec
import uuid_utils.compat
from django.db import migrations, models

import tenants.base
from tenants.rls import IsolateTenantTables


class Migration(migrations.Migration):
    dependencies = [
        ("personas", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Memory",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("store", models.UUIDField(editable=False)),
                ("holder", models.CharField(max_length=64, verbose_name="who keeps it")),
                ("seq", models.PositiveBigIntegerField(editable=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("witnessed", "Witnessed"),
                            ("said", "Said"),
                            ("done", "Done"),
                            ("hearsay", "Hearsay"),
                            ("reflection", "Reflection"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("text", models.TextField(verbose_name="text")),
                ("importance", models.FloatField(default=0.5, verbose_name="importance")),
                ("game_time", models.FloatField(default=0.0, verbose_name="game time")),
                (
                    "at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="kept since"),
                ),
                ("source", models.JSONField(default=dict, verbose_name="source")),
                ("embedding", pgvector.django.halfvec.HalfVectorField(dimensions=384, editable=False, null=True)),
                ("forgotten_at", models.DateTimeField(editable=False, null=True)),
                (
                    "derived_from",
                    tenants.base.TenantForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="derived",
                        to="personas.memory",
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
                "verbose_name": "memory",
                "verbose_name_plural": "memories",
                "indexes": [
                    models.Index(fields=["tenant", "store", "holder", "-seq"], name="memory_of_holder"),
                    models.Index(
                        condition=models.Q(("embedding", None), ("forgotten_at", None)),
                        fields=["tenant", "store"],
                        name="memory_not_embedded",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("importance__gte", 0), ("importance__lte", 1)), name="memory_importance"
                    )
                ],
            },
        ),
        IsolateTenantTables(["memory"]),
    ]
