"""How to log in to the database of a dataset, ours or a tenant's own."""

import socket
from typing import Any

from django.conf import settings

from analytics.datasets.roles import parameters_of
from analytics.errors import DatasetUnreachable
from analytics.models import Dataset
from tenants.addresses import AddressForbidden, allowed_address


def connection_parameters(dataset: Dataset) -> dict[str, Any]:
    """As `psycopg.connect` takes them. A name is resolved here, once: the address that was looked at is called.

    Raises DatasetUnreachable, also where the name now leads where it may not.
    """
    if dataset.kind == Dataset.Kind.POSTGRES:
        return external_parameters(dataset.address, dataset.password)
    return parameters_of(dataset.role_name, dataset.password)


def external_parameters(address: dict[str, Any], password: str) -> dict[str, Any]:
    """Of `{host, port, database, user, options}`. Nothing is taken from files or the environment of this process."""
    return {
        "host": address["host"],  # what the certificate must be for
        "hostaddr": _resolved(address["host"], address["port"]),
        "port": address["port"],
        "dbname": address["database"],
        "user": address["user"],
        "password": password,
        "connect_timeout": 5,
        "sslmode": "prefer",
        **address["options"],
        # Nothing of ours is shown to the server, and a certificate counts if the public authorities know it.
        "sslcertmode": "disable",
        "sslrootcert": "system" if address["options"].get("sslmode") == "verify-full" else "/dev/null/none",
        "gssencmode": "disable",
        "options": "",
    }


def _resolved(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return str(allowed_address(found, settings.ENVIRONMENT.dataset_networks))
    except (OSError, UnicodeError, AddressForbidden):
        raise DatasetUnreachable from None
