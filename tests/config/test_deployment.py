"""As an operator runs it on the open net: behind a proxy that ends TLS."""

import json
import os
import subprocess
import sys

from tests.docs.pages import ROOT

PRODUCTION = {
    "TROUPE_HTTPS": "1",
    "TROUPE_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "TROUPE_ALLOWED_HOSTS": "chat.acme.example",
    "TROUPE_DEBUG": "0",
}

# The check before deployment. Then what a browser meets at the door of the admin, over plain HTTP and by way of the
# proxy.
KNOCK = """
import json
import sys
from django.core.management import call_command
from django.test import Client
call_command("check", deploy=True, fail_level="WARNING", stdout=sys.stderr)
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


def test_a_check_before_deployment_warns_of_what_is_forgotten():
    forgotten = {"TROUPE_HTTPS": "0", "TROUPE_DEBUG": "1"}

    checked = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION | forgotten)

    assert checked.returncode == 1
    for warning in ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "DEBUG"):
        assert warning in checked.stderr


def test_else_it_has_nothing_to_say_and_cookies_and_pages_are_for_https_alone():
    knocked = manage("shell", "-v", "0", "-c", KNOCK, **PRODUCTION)

    assert knocked.returncode == 0, knocked.stderr
    assert json.loads(knocked.stdout) == {
        "plain": [301, "https://chat.acme.example/admin/login/"],
        "health": 200,
        "page": 200,
        "hsts": "max-age=2592000",
        "cookies": [["csrftoken", True]],
    }
