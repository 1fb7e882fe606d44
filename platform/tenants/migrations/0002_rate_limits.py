import django.core.validators
import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

from tenants.rls import IsolateTenantTables


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RateLimit",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "of",
                    models.CharField(
                        choices=[
                            ("tenant-requests", "API calls of the tenant"),
                            ("key-requests", "API calls of a key"),
                            ("address-requests", "Public calls from an address"),
                            ("tenant-turns", "Turns of the tenant"),
                            ("key-turns", "Turns of a key"),
                            ("persona-turns", "Turns of a persona"),
                            ("end-user-turns", "Turns of an end user"),
                            ("player-turns", "Turns in a game session"),
                            ("address-turns", "Turns from an address"),
                        ],
                        max_length=20,
                        verbose_name="what is limited",
                    ),
                ),
                (
                    "subject_id",
                    models.UUIDField(
                        blank=True,
                        help_text="The id of one key or persona; empty: of each of them.",
                        null=True,
                        verbose_name="whose",
                    ),
                ),
                (
                    "limit",
                    models.PositiveIntegerField(
                        help_text="All at once, after a pause.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000000),
                        ],
                        verbose_name="how many",
                    ),
                ),
                (
                    "window_s",
                    models.PositiveIntegerField(
                        default=60,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(86400),
                        ],
                        verbose_name="in how many seconds",
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
                "verbose_name": "rate limit",
                "verbose_name_plural": "rate limits",
                "ordering": ["of", "subject_id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "of", "subject_id"), name="rate_limit_once", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit__gte", 1), ("limit__lte", 1000000), ("window_s__gte", 1), ("window_s__lte", 86400)
                        ),
                        name="rate_limit_sane",
                    ),
                ],
            },
        ),
        IsolateTenantTables(["ratelimit"]),
    ]
