"""The look of the admin, for django-unfold. Functions are named: settings are read before models."""

from typing import Any

# The chat page's green, so that both are one house.
PRIMARY = {
    "50": "oklch(97.5% .012 178)",
    "100": "oklch(94.5% .028 178)",
    "200": "oklch(89% .052 177)",
    "300": "oklch(81% .083 176)",
    "400": "oklch(71% .099 176)",
    "500": "oklch(60% .098 176)",
    "600": "oklch(46.5% .084 176)",
    "700": "oklch(40.5% .072 177)",
    "800": "oklch(34% .058 178)",
    "900": "oklch(28.5% .046 179)",
    "950": "oklch(21% .034 180)",
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Troupe",
    "SITE_HEADER": "config.desk.header",
    "SITE_SUBHEADER": "config.desk.subheader",
    "SITE_SYMBOL": "theater_comedy",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "COLORS": {"primary": PRIMARY},
    "SITE_FAVICONS": [{"rel": "icon", "href": "config.desk.icon", "type": "image/svg+xml"}],
    "STYLES": ["config.desk.stylesheet"],
    "SCRIPTS": ["config.desk.script"],
    "DASHBOARD_CALLBACK": "chat.admin_dashboard.dashboard",
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": "config.desk.navigation"},
}
