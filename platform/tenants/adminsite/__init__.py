"""The admin: one site for members of a tenant and for operators, always inside one tenant's scope."""
