"""Keeping what people said no longer than agreed, handing it out to them, and erasing it with a receipt."""
