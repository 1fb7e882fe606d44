"""Vectors of facts, so that of many those are told that the talk is about."""

from django.db import models
from pgvector.django import HalfVectorField

from npc.models.worlds import World
from tenants.base import TenantForeignKey, TenantModel


class FactVector(TenantModel):
    """The vector of one text of a world, by the bundled model. The id follows from both, so that a text which stays
    from version to version is embedded once. Who may know it, and when, is said by the version.
    """

    world = TenantForeignKey(World, models.CASCADE, related_name="+")
    embedding = HalfVectorField(dimensions=384)
