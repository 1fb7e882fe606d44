"""Every module that registers background work, so that workers and the relay know it."""

from analytics.asking import jobs as _asking  # noqa: F401 - its handlers
from analytics.datasets import jobs as _datasets  # noqa: F401 - its handlers
from analytics.importing import jobs as _importing  # noqa: F401 - its handlers
from analytics.meaning import jobs as _meaning  # noqa: F401 - its handlers
