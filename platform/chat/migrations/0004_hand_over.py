import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models
from django.db.models import Q

import tenants.base
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
STATES = [("bot", "Bot"), ("requested", "Person requested"), ("human", "Person"), ("closed", "Closed")]


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0003_message_claims"),
        ("personas", "0001_initial"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.AddField("conversation", "yielding_turn_id", models.UUIDField(editable=False, null=True)),
        migrations.AddField("conversation", "is_untold", models.BooleanField(default=False, editable=False)),
        migrations.AddField("conversation", "told_seq", models.PositiveBigIntegerField(default=0, editable=False)),
        migrations.AddField(
            "conversation",
            "agent",
            tenants.base.TenantForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="conversations",
                to="tenants.member",
                verbose_name="agent",
            ),
        ),
        migrations.AddField("conversation", "agent_key_id", models.UUIDField(editable=False, null=True)),
        migrations.AddField(
            "conversation",
            "agent_name",
            models.CharField(blank=True, default="", max_length=200, verbose_name="agent's name"),
        ),
        migrations.AddField(
            "conversation",
            "requested_at",
            models.DateTimeField(editable=False, null=True, verbose_name="person requested at"),
        ),
        migrations.AddField(
            "conversation",
            "handoff_reason",
            models.TextField(blank=True, default="", verbose_name="why a person"),
        ),
        migrations.AddField("conversation", "wait_until", models.DateTimeField(editable=False, null=True)),
        migrations.AddField("conversation", "is_bot_silent", models.BooleanField(default=False, editable=False)),
        migrations.AddField(
            "conversation",
            "unread_by_agent",
            models.PositiveIntegerField(default=0, editable=False, verbose_name="unread"),
        ),
        migrations.AddField(
            "conversation", "closed_at", models.DateTimeField(editable=False, null=True, verbose_name="closed at")
        ),
        migrations.AddField(
            "conversation",
            "satisfaction",
            models.PositiveSmallIntegerField(editable=False, null=True, verbose_name="satisfaction"),
        ),
        migrations.AddField(
            "conversation",
            "satisfaction_comment",
            models.TextField(blank=True, default="", verbose_name="satisfaction comment"),
        ),
        migrations.AddIndex(
            "conversation",
            models.Index(
                condition=Q(("state", "bot"), _negated=True),
                fields=["tenant", "state"],
                name="conversation_with_people",
            ),
        ),
        migrations.AddIndex(
            "conversation",
            models.Index(condition=Q(("state", "requested")), fields=["wait_until"], name="conversation_waiting"),
        ),
        migrations.AddIndex(
            "conversation",
            models.Index(condition=Q(("is_untold", True)), fields=["id"], name="conversation_untold"),
        ),
        migrations.AddConstraint(
            "conversation",
            models.CheckConstraint(
                condition=Q(("satisfaction", None), ("satisfaction__range", (1, 5)), _connector="OR"),
                name="conversation_satisfaction",
            ),
        ),
        migrations.CreateModel(
            name="Handoff",
            fields=[
                ("id", ID.clone()),
                ("seq", models.PositiveBigIntegerField()),
                ("state", models.CharField(choices=STATES, max_length=10, verbose_name="state")),
                (
                    "by",
                    models.CharField(
                        choices=[
                            ("visitor", "The visitor"),
                            ("persona", "The persona"),
                            ("rule", "A rule"),
                            ("system", "The system"),
                            ("agent", "An agent"),
                        ],
                        max_length=10,
                        verbose_name="by",
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=40, verbose_name="reason")),
                ("detail", models.TextField(blank=True, default="", verbose_name="detail")),
                ("agent_name", models.CharField(blank=True, default="", max_length=200)),
                ("until", models.DateTimeField(null=True)),
                ("offers_form", models.BooleanField(default=False)),
                ("asks_satisfaction", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="when")),
                (
                    "agent",
                    tenants.base.TenantForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="tenants.member",
                        verbose_name="agent",
                    ),
                ),
                (
                    "conversation",
                    tenants.base.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="handoffs",
                        to="chat.conversation",
                    ),
                ),
                ("tenant", OWN_TENANT.clone()),
            ],
            options={
                "verbose_name": "hand-over",
                "verbose_name_plural": "hand-overs",
                "constraints": [models.UniqueConstraint(fields=("tenant", "conversation", "seq"), name="handoff_seq")],
            },
        ),
        migrations.CreateModel(
            name="CannedReply",
            fields=[
                ("id", ID.clone()),
                ("shortcut", models.CharField(max_length=40, verbose_name="shortcut")),
                ("text", models.TextField(verbose_name="text")),
                (
                    "language",
                    models.CharField(
                        blank=True,
                        choices=[("zh", "Chinese"), ("en", "English")],
                        default="",
                        max_length=2,
                        verbose_name="language",
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "persona",
                    tenants.base.TenantForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="canned_replies",
                        to="personas.persona",
                        verbose_name="persona",
                    ),
                ),
                ("tenant", OWN_TENANT.clone()),
            ],
            options={
                "verbose_name": "canned reply",
                "verbose_name_plural": "canned replies",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "shortcut", "language", "persona"),
                        name="canned_reply_shortcut",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ContactRequest",
            fields=[
                ("id", ID.clone()),
                ("name", models.CharField(blank=True, default="", max_length=200, verbose_name="name")),
                ("contact", models.CharField(max_length=200, verbose_name="how to reach")),
                ("message", models.TextField(blank=True, default="", verbose_name="message")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="when"),
                ),
                ("done_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="done")),
                (
                    "conversation",
                    tenants.base.TenantForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contact_requests",
                        to="chat.conversation",
                    ),
                ),
                ("tenant", OWN_TENANT.clone()),
            ],
            options={
                "verbose_name": "contact request",
                "verbose_name_plural": "contact requests",
                "indexes": [models.Index(fields=["tenant", "-created_at"], name="contact_request_newest")],
            },
        ),
        IsolateTenantTables(
            ["conversation", "handoff", "cannedreply", "contactrequest"],
            # The sweeper looks for visitors whom nobody came to, and for events that were not told.
            system={"conversation": "SELECT"},
        ),
    ]
