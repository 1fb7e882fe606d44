"""As an operator runs it on the open net: behind a proxy that ends TLS."""

import json
import os
import subprocess
import sys

import pytest

from tests.docs.pages import ROOT

PRODUCTION = {
    "TROUPE_HTTPS": "1",
    "TROUPE_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "TROUPE_ALLOWED_HOSTS": "chat.acme.example",
    "TROUPE_DEBUG": "0",
}

# What a browser meets at the door of the admin, over plain HTTP and by way of the proxy.
KNOCK = """
import json
from django.test import Client
plain = Client(headers={"Host": "chat.acme.example"})
proxied = Client(headers={"Host": "chat.acme.example", "X-Forwarded-Proto": "https"})
page = proxied.get("/admin/login/")
print(json.dumps({
    "plain": [plain.get("/admin/login/").status_code, plain.get("/admin/login/")["Location"]],
    "health": plain.get("/healthz").status_code,
    "page": page.status_code,
    "hsts": page["Strict-Transport-Security"],
    "cookies": [[name, bool(cookie["secure"])] for name, cookie in page.cookies.items()],
}))
"""


def manage(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` in a process of its own, since settings are read once."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_check_before_deployment_has_nothing_to_say():
    checked = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("forgotten", ["TROUPE_HTTPS", "TROUPE_DEBUG"])
def test_it_warns_of_what_is_forgotten(forgotten):
    opposite = {"0": "1", "1": "0"}[PRODUCTION[forgotten]]

    checked = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION | {forgotten: opposite})

    assert checked.returncode == 1
    assert "security.W" in checked.stderr


def test_cookies_and_pages_are_for_https_alone():
    knocked = manage("shell", "-v", "0", "-c", KNOCK, **PRODUCTION)

    assert knocked.returncode == 0, knocked.stderr
    assert json.loads(knocked.stdout) == {
        "plain": [301, "https://chat.acme.example/admin/login/"],
        "health": 200,
        "page": 200,
        "hsts": "max-age=2592000",
        "cookies": [["csrftoken", True]],
    }
