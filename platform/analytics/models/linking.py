"""What linking looks things up in: vectors of tables, and values that questions may say."""

from typing import Any, ClassVar

from django.db import models

from analytics.models.datasets import Dataset, DatasetColumn, DatasetTable
from tenants.base import TenantForeignKey, TenantModel, TenantQuerySet


class TableVector(TenantModel):
    """The vector of a table's card, made again when the card's text or the embedding model changes."""

    dataset = TenantForeignKey(Dataset, models.CASCADE, related_name="table_vectors", db_index=False)
    table = TenantForeignKey(DatasetTable, models.CASCADE, related_name="vectors", db_index=False)
    # The embedding model.
    space = models.CharField(max_length=200)
    # Of the text that was embedded, hexadecimal.
    digest = models.CharField(max_length=32)
    # float32, as long as the space's dimension.
    vector = models.BinaryField()

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "table", "space"], name="table_vector_once")]
        indexes = [models.Index(fields=["tenant", "dataset", "space"], name="table_vector_of_dataset")]


class KnownValue(TenantModel):
    """A value of a column under one of the words by which a question may say it; never of a personal column.

    Found by equality: under row-level security no index of trigrams would be used.
    """

    dataset = TenantForeignKey(Dataset, models.CASCADE, related_name="known_values", db_index=False)
    column = TenantForeignKey(DatasetColumn, models.CASCADE, related_name="known_values")
    value = models.CharField(max_length=100)
    # The whole value folded, or one telling word of it.
    key = models.CharField(max_length=100)
    is_whole = models.BooleanField()

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["tenant", "dataset", "key"], name="known_value_by_key")]
