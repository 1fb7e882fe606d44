from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _
from psycopg_pool.base import AttemptWithBackoff

# A pool waits twice as long after each attempt in vain, up to minutes, while those who want a connection wait in
# line. A database that is back is found at once instead: each process knocks twice a second, for each connection.
AttemptWithBackoff.INITIAL_DELAY, AttemptWithBackoff.DELAY_BACKOFF = 0.5, 1.0


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = _("Tenant")
    default_auto_field = "django.db.models.BigAutoField"
