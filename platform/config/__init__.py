"""Settings, addresses and entry points: how the parts are put together."""
