from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

from tenants.rls import IsolateTenantTables


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0002_route_fallback_routes"),
        ("tenants", "0002_rate_limits"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlatformPrice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "model",
                    models.CharField(help_text="As the endpoint knows it.", max_length=200, verbose_name="model"),
                ),
                (
                    "input",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal("0"),
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="price of a million input tokens",
                    ),
                ),
                (
                    "cached",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal("0"),
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="price of a million cached input tokens",
                    ),
                ),
                (
                    "output",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal("0"),
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="price of a million output tokens",
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        default="USD",
                        max_length=3,
                        validators=[
                            django.core.validators.RegexValidator("^[A-Z]{3}\\Z", "Three capital letters, such as USD.")
                        ],
                        verbose_name="currency",
                    ),
                ),
                ("valid_from", models.DateTimeField(default=django.utils.timezone.now, verbose_name="valid from")),
            ],
            options={
                "verbose_name": "platform price",
                "verbose_name_plural": "platform prices",
                "ordering": ["model", "-valid_from"],
                "abstract": False,
                "constraints": [models.UniqueConstraint(fields=("model", "valid_from"), name="platform_price_once")],
            },
        ),
        migrations.CreateModel(
            name="Budget",
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
                        choices=[("tenant", "Tenant"), ("persona", "Persona"), ("key", "API key")],
                        default="tenant",
                        max_length=10,
                        verbose_name="whose",
                    ),
                ),
                (
                    "subject_id",
                    models.UUIDField(
                        blank=True, help_text="The id of the persona or key.", null=True, verbose_name="which one"
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=9,
                        max_digits=18,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="amount a month",
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        default="USD",
                        max_length=3,
                        validators=[
                            django.core.validators.RegexValidator("^[A-Z]{3}\\Z", "Three capital letters, such as USD.")
                        ],
                        verbose_name="currency",
                    ),
                ),
                (
                    "warn_at",
                    models.PositiveSmallIntegerField(
                        default=80,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="warn at percent",
                    ),
                ),
                (
                    "cheaper_at",
                    models.PositiveSmallIntegerField(
                        default=90,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="cheaper route at percent",
                    ),
                ),
                (
                    "cheaper_route",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Its slug; empty: none.",
                        max_length=63,
                        verbose_name="cheaper route",
                    ),
                ),
                (
                    "at_end",
                    models.CharField(
                        choices=[
                            ("documents", "Answer from documents, without a model"),
                            ("stop", "Say that it is over"),
                        ],
                        default="documents",
                        max_length=10,
                        verbose_name="when it is spent",
                    ),
                ),
                (
                    "text_en",
                    models.CharField(blank=True, default="", max_length=500, verbose_name="last words in English"),
                ),
                (
                    "text_zh",
                    models.CharField(blank=True, default="", max_length=500, verbose_name="last words in Chinese"),
                ),
                ("month", models.DateField(editable=False, null=True)),
                (
                    "spent",
                    models.DecimalField(
                        decimal_places=9, default=Decimal("0"), editable=False, max_digits=18, verbose_name="spent"
                    ),
                ),
                (
                    "reserved",
                    models.DecimalField(
                        decimal_places=9, default=Decimal("0"), editable=False, max_digits=18, verbose_name="reserved"
                    ),
                ),
                ("told", models.CharField(default="", editable=False, max_length=20)),
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
                "verbose_name": "budget",
                "verbose_name_plural": "budgets",
                "ordering": ["of", "subject_id", "currency"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "of", "subject_id", "currency"), name="budget_once", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("of", "tenant"), ("subject_id__isnull", False), _connector="XOR"),
                        name="budget_subject",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0), ("reserved__gte", 0)), name="budget_not_negative"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("budget_id", models.UUIDField()),
                ("month", models.DateField(verbose_name="month")),
                (
                    "kind",
                    models.CharField(
                        choices=[("reserve", "Reserved"), ("settle", "Settled"), ("release", "Released")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("reference", models.UUIDField(verbose_name="of")),
                ("amount", models.DecimalField(decimal_places=9, max_digits=18, verbose_name="amount")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="when")),
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
                "verbose_name": "ledger entry",
                "verbose_name_plural": "ledger",
                "ordering": ["-at"],
                "indexes": [
                    models.Index(condition=models.Q(("kind", "reserve")), fields=["at"], name="ledger_reserved"),
                    models.Index(fields=["tenant", "budget_id", "-at"], name="ledger_of_budget"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "reserve")),
                        fields=("tenant", "reference", "budget_id"),
                        name="ledger_reserved_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "reserve"), _negated=True),
                        fields=("tenant", "reference", "budget_id"),
                        name="ledger_closed_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                (
                    "model",
                    models.CharField(help_text="As the endpoint knows it.", max_length=200, verbose_name="model"),
                ),
                (
                    "input",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal("0"),
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="price of a million input tokens",
                    ),
                ),
                (
                    "cached",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal("0"),
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="price of a million cached input tokens",
                    ),
                ),
                (
                    "output",
                    models.DecimalField(
                        decimal_places=6,
                        default=Decimal("0"),
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="price of a million output tokens",
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        default="USD",
                        max_length=3,
                        validators=[
                            django.core.validators.RegexValidator("^[A-Z]{3}\\Z", "Three capital letters, such as USD.")
                        ],
                        verbose_name="currency",
                    ),
                ),
                ("valid_from", models.DateTimeField(default=django.utils.timezone.now, verbose_name="valid from")),
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "route",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The slug of one route; empty: on all of them.",
                        max_length=63,
                        verbose_name="route",
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
                "verbose_name": "price",
                "verbose_name_plural": "prices",
                "ordering": ["model", "-valid_from"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "model", "route", "valid_from"), name="price_once")
                ],
            },
        ),
        IsolateTenantTables(
            ["price", "budget", "ledgerentry"],
            grants={"ledgerentry": "SELECT, INSERT"},
            system={"ledgerentry": "SELECT"},
        ),
    ]
