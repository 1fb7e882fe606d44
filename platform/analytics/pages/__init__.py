"""/ask/: where members of a tenant ask its data."""
