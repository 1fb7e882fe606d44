"""REST and streaming doors to conversations."""
