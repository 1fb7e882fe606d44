"""/desk/: where the members of a tenant answer its visitors."""
