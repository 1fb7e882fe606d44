"""The database roles. Their names are fixed: policies and grants in migrations name them."""

OWNER = "troupe_owner"  # migrates and owns the tables; sees every row by a policy of its own
APP = "troupe_app"  # serves requests, sockets and tasks; sees the rows of one tenant at a time
SYSTEM = "troupe_system"  # relay and sweeper; sees only the tables that grant it a policy
VIEWS = "troupe_views"  # owns the views of each tenant's conversations for questions about them; nobody logs in as it
