"""Every module that registers background work, so that workers and the relay know it."""

from analytics.importing import jobs as _importing  # noqa: F401 - its handlers
