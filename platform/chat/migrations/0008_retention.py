import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

from tenants.rls import IsolateTenantTables

OWN_TENANT = models.ForeignKey(
    db_constraint=False,
    db_index=False,
    editable=False,
    on_delete=django.db.models.deletion.CASCADE,
    related_name="+",
    to="tenants.tenant",
)
ID = models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)
STATUSES = [("queued", "Queued"), ("running", "Running"), ("done", "Done"), ("failed", "Failed")]
ORIGINS = [("tenant", "The business"), ("visitor", "The visitor"), ("policy", "The retention policy")]


def days(verbose_name: str, help_text: str) -> models.PositiveIntegerField:
    validators = [django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3650)]
    return models.PositiveIntegerField(
        blank=True, null=True, help_text=help_text, validators=validators, verbose_name=verbose_name
    )


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0007_last_verdict"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", ID.clone()),
                ("origin", models.CharField(choices=ORIGINS, max_length=10, verbose_name="asked for by")),
                ("status", models.CharField(choices=STATUSES, default="queued", max_length=10, verbose_name="status")),
                (
                    "person_digest",
                    models.CharField(blank=True, default="", max_length=64, verbose_name="digest of the id"),
                ),
                ("end_user_id", models.UUIDField(null=True)),
                (
                    "conversation_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
                ),
                ("done", models.PositiveIntegerField(default=0)),
                ("found", models.JSONField(default=dict, verbose_name="found")),
                ("left", models.JSONField(default=dict, verbose_name="left")),
                ("signature", models.CharField(blank=True, default="", max_length=100, verbose_name="signature")),
                ("error_code", models.CharField(blank=True, default="", max_length=60)),
                ("error_detail", models.TextField(blank=True, default="")),
                (
                    "requested_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="asked for"),
                ),
                ("finished_at", models.DateTimeField(editable=False, null=True, verbose_name="finished")),
                ("tenant", OWN_TENANT.clone()),
            ],
            options={
                "verbose_name": "erasure",
                "verbose_name_plural": "erasures",
                "indexes": [models.Index(fields=["tenant", "-requested_at"], name="erasure_newest")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "end_user_id"),
                        condition=models.Q(status__in=["queued", "running"]) & ~models.Q(end_user_id=None),
                        name="erasure_one_at_a_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RetentionPolicy",
            fields=[
                ("id", ID.clone()),
                (
                    "conversations_days",
                    days(
                        "days that conversations are kept",
                        "Since something was last said in them. Empty: for good.",
                    ),
                ),
                (
                    "traces_days",
                    days(
                        "days that traces of answers are kept",
                        "Prompts' sections, passages and scores behind an answer; the answer itself stays. "
                        "Empty: for good.",
                    ),
                ),
                ("looked_at", models.DateTimeField(editable=False, null=True)),
                ("tenant", OWN_TENANT.clone()),
            ],
            options={
                "verbose_name": "retention policy",
                "verbose_name_plural": "retention policy",
                "constraints": [models.UniqueConstraint(fields=("tenant",), name="retention_one_per_tenant")],
            },
        ),
        # The clock looks whose policy is due.
        IsolateTenantTables(["erasure", "retentionpolicy"], system={"retentionpolicy": "SELECT"}),
    ]
