"""Django's settings. What comes from outside comes through `config.environment`, checked."""

import gc
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import django_stubs_ext
from django.utils.translation import gettext_lazy as _

from config.environment import load_or_exit
from config.look import UNFOLD as UNFOLD

# Nothing that a process imports is garbage, and looking for some took a sixth of its start. `config.apps` ends this.
gc.disable()

# `ModelForm[Member]` and the like run as well as check.
django_stubs_ext.monkeypatch()

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = load_or_exit(need_services=False)
# The demo's tenant whose village anybody may play at /play/; none where the demo is switched off.
PLAY_TENANT = "lamplight" if ENVIRONMENT.demo else ""

# Of one worker. All processes are told the same, for by it they share places between tenants.
WORKER_CONCURRENCY = ENVIRONMENT.worker_concurrency

SECRET_KEY = ENVIRONMENT.secret_key
SECRET_KEY_FALLBACKS = list(ENVIRONMENT.secret_key_fallbacks)
DEBUG = ENVIRONMENT.debug
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
# Whose word counts on where a visitor calls from.
TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies

INSTALLED_APPS = [
    "tenants",
    "jobs",
    "webhooks",
    "llm",
    "knowledge",
    "personas",
    "chat",
    "npc",
    "analytics",
    "config.apps.TroupeConfig",
    "unfold.apps.BasicAppConfig",
    "tenants.adminsite.apps.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
]

MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.files.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "config.middleware.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Last: it runs the view itself, inside the tenant's transaction.
    "config.middleware.TenantMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


# --- PostgreSQL ---------------------------------------------------------------------------------------------
# A server that vanished without a word (its host, or a firewall that forgot us) is given up within a minute: the
# kernel would wait for a quarter of an hour. What the address says instead goes first.
GIVE_UP_SILENT = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def database(url: str, **options: Any) -> dict[str, Any]:
    """Django's form of a `postgresql://user:password@host:port/name?option=value` address."""
    parts = urlsplit(url)
    return {
        "ENGINE": "tenants.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "troupe",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        # Pooled connections are given back after each request; kept ones leak under ASGI.
        "CONN_MAX_AGE": 0,
        # Works behind PgBouncer, and lets the planner see the tenant as a literal. What is prepared all the same is
        # asked for by name: `tenants.statements`.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {"prepare_threshold": sys.maxsize, **GIVE_UP_SILENT, **dict(parse_qsl(parts.query)), **options},
    }


DATABASES = {
    "default": database(ENVIRONMENT.database_url, pool={"min_size": 1, "max_size": 16, "timeout": 10}),
    "owner": database(ENVIRONMENT.database_owner_url),
    "system": database(ENVIRONMENT.database_system_url),
}
DATABASE_ROUTERS = ["config.routers.OwnerMigrates"]
# Hash partitions of the chunk and vector tables; fixed by the first migration.
CHUNK_PARTITIONS = ENVIRONMENT.chunk_partitions
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: broker 0, channel layer 1, event log and limits 2 -----------------------------------------------
REDIS_URL = ENVIRONMENT.redis_url.rstrip("/")
REDIS_EVENTS_URL = f"{REDIS_URL}/2"
# A pool stops at 100 connections unless told otherwise, and then refuses sockets.
REDIS_MAX_CONNECTIONS = 2000

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": f"{REDIS_URL}/1", "max_connections": REDIS_MAX_CONNECTIONS}]},
    }
}

# --- Celery: `config.celery` reads the names in CELERY_ -----------------------------------------------------
CELERY_BROKER_URL = f"{REDIS_URL}/0"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "maintenance"
CELERY_TASK_TIME_LIMIT = 600
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A broker that answers nothing must not hold a request up for ever; workers ask it once a second.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_timeout": 5, "socket_connect_timeout": 2}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# --- People -------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "tenants.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

# --- Behind TLS ---------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = ENVIRONMENT.https
# Believed only where TROUPE_HTTPS promises a proxy that sets it, and takes a visitor's own away.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENVIRONMENT.https else None
# Load balancers ask these from inside, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if ENVIRONMENT.https else 0
# Subdomains and browsers' preload lists are not ours to decide on: they concern the domain's other servers, for long.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# --- Languages ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [ROOT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Files --------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
# Served from where they lie: there is nothing to collect and nothing to forget.
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = ENVIRONMENT.home / "media"
# JSON bodies; uploads are checked by the parser, which has its own limit.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- REST ---------------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.rest.CallerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.rest.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "tenants.rest.WhatThereIs",
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "tenants.rest.CursorPages",
    "DEFAULT_SCHEMA_CLASS": "config.schema.PagedSchema",
    "EXCEPTION_HANDLER": "tenants.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Troupe",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["config.schema.add_asynchronous_views"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.schema.add_common_failures",
    ],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    # Many things have a status, a kind or a mode; else they would be named by a digest.
    "ENUM_NAME_OVERRIDES": {
        "ApprovalEnum": "analytics.models.Approval",
        "ConversationStateEnum": "chat.models.Conversation.State",
        "DatasetKindEnum": "analytics.models.Dataset.Kind",
        "DatasetStatusEnum": "analytics.models.Dataset.Status",
        "DatasetFileModeEnum": "analytics.models.DatasetFile.Mode",
        "DatasetFileStatusEnum": "analytics.models.DatasetFile.Status",
        "QuestionStatusEnum": "analytics.models.Question.Status",
        "DeliveryStatusEnum": "webhooks.models.Delivery.Status",
        "TestRunStatusEnum": "chat.models.TestRun.Status",
    },
}

# --- Chat: limits with a reason -----------------------------------------------------------------------------
CHAT_SESSION_TTL = timedelta(hours=12)
CHAT_SESSION_TTL_MAX = timedelta(days=30)

# --- Data: limits with a reason -----------------------------------------------------------------------------
# Each has a schema and a login role of its own, which all sessions of the server look through.
ANALYTICS_MAX_DATASETS = 100
# Of one tenant's uploads, which are kept to be read again; their tables take about as much once more.
ANALYTICS_MAX_BYTES = 5 * 1024**3
# How many statements a model writes for one question, 1 to 5; of several, what most of them find is the answer.
ANALYTICS_CANDIDATES = 1

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "config.logs.NameRequest"}},
    "formatters": {"line": {"format": "%(levelname)s %(name)s%(request)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django.request": {"level": "ERROR"}, "httpx2": {"level": "WARNING"}, "openai": {"level": "WARNING"}},
}
