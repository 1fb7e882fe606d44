"""The one judge of SQL that is to run on a tenant's data."""

from analytics.gate.allowed import FUNCTIONS
from analytics.gate.checking import Checked, check

__all__ = ["FUNCTIONS", "Checked", "check"]
