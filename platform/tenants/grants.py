"""Tables that belong to no tenant, by name. Any other table must be isolated; a test walks them all."""

from django.db import connections

from tenants.roles import APP, SYSTEM

# table → what the app may do with it
GLOBAL_TABLES = {
    "auth_group": "SELECT, INSERT, UPDATE, DELETE",
    "auth_group_permissions": "SELECT, INSERT, UPDATE, DELETE",
    "auth_permission": "SELECT",
    "chat_process": "SELECT, INSERT, UPDATE, DELETE",
    "django_content_type": "SELECT",
    "django_migrations": "SELECT",
    "django_session": "SELECT, INSERT, UPDATE, DELETE",
    "llm_platformprice": "SELECT, INSERT, UPDATE, DELETE",
    "tenants_user": "SELECT, INSERT, UPDATE, DELETE",
    "tenants_user_groups": "SELECT, INSERT, UPDATE, DELETE",
    "tenants_user_user_permissions": "SELECT, INSERT, UPDATE, DELETE",
}
# Made by Django, used by nobody here: the audit table takes its place.
UNUSED_TABLES = {"django_admin_log"}
# What relay and sweeper read besides the tenant tables that open to them.
SYSTEM_TABLES = {"chat_process": "SELECT, DELETE", "django_migrations": "SELECT"}


def grant_global_tables() -> None:
    """Grant the app and the system their rights on global tables and sequences. May run any number of times."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        present = {name for (name,) in cursor.fetchall()}
        for role, tables in ((APP, GLOBAL_TABLES), (SYSTEM, SYSTEM_TABLES)):
            for table, rights in tables.items():
                if table in present:
                    cursor.execute(f'GRANT {rights} ON "{table}" TO {role}')
        cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP}, {SYSTEM}")
