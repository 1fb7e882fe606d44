"""The REST door to knowledge bases."""
