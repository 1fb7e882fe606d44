import django.db.models.deletion
import pgvector.django.halfvec
import uuid_utils.compat
from django.db import migrations, models

import tenants.base
from tenants.rls import IsolateTenantTables


class Migration(migrations.Migration):
    dependencies = [
        ("npc", "0003_forget_branches"),
    ]

    operations = [
        migrations.CreateModel(
            name="FactVector",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("embedding", pgvector.django.halfvec.HalfVectorField(dimensions=384)),
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
                    "world",
                    tenants.base.TenantForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="npc.world"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        IsolateTenantTables(["factvector"]),
    ]
