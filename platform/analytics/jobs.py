"""Every module that registers background work, so that workers and the relay know it."""
