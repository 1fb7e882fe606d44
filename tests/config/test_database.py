"""How the database is reached."""

import socket

from django.db import connections

from config.settings import database


def test_a_database_that_vanished_without_a_word_is_given_up():
    """What the kernel does with our connections, not what we asked for."""
    with connections["default"].cursor() as cursor:
        line = socket.fromfd(cursor.connection.pgconn.socket, socket.AF_INET, socket.SOCK_STREAM)
    with line:
        options = {name: line.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in EXPECTED}
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert options == EXPECTED


EXPECTED = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 30_000}


def test_what_the_address_says_goes_first():
    options = database("postgresql://app@db/troupe?tcp_user_timeout=5000")["OPTIONS"]

    assert (options["tcp_user_timeout"], options["keepalives_idle"]) == ("5000", 30)
