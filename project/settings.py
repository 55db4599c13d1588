"""All settings, read from the environment (`.env` beside manage.py, explained in `.env.sample`).

Safe without any thought: DEBUG is off, cookies are secure where the site is https, and a weak key stops the start.
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.utils.translation import gettext_lazy as _

from project.serializer import CacheSerializer, TaskSerializer

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
VAR_DIR.mkdir(exist_ok=True)

env = environ.FileAwareEnv()
if env.bool("READ_DOT_ENV", True):
    environ.Env.read_env(BASE_DIR / ".env")

# --- Core ------------------------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
WEAK_KEY_MARKS = ("changeme", "django-insecure", "example", "secret-key")
if len(SECRET_KEY) < 50 or any(mark in SECRET_KEY.lower() for mark in WEAK_KEY_MARKS):
    fault = "is too weak" if SECRET_KEY else "is missing"
    sys.exit(
        f"SECRET_KEY {fault}: put at least 50 random characters into .env, for example the output of\n"
        "  python3 -c 'import secrets; print(secrets.token_urlsafe(60))'"
    )

SITE_URL = env.str("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "jazzmin",
    "project.apps.PostroomAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "accounts",
    "mailings",
    "guardian",
    "import_export",
    "huey.contrib.djhuey",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "project.middleware.set_page_headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "project.middleware.keep_out_of_caches",
    "project.middleware.refuse_nul_bytes",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "project.middleware.use_preferences",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.middleware.require_second_step",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "project" / "templates"],
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

# --- Data ------------------------------------------------------------------------------------------------------------

DATABASE_URL = env.str("DATABASE_URL", "") or f"sqlite:///{VAR_DIR / 'postroom.sqlite3'}"
DATABASES: dict[str, dict[str, Any]] = {"default": env.db_url_config(DATABASE_URL)}
if "sqlite" in DATABASES["default"]["ENGINE"]:
    # IMMEDIATE: a transaction that reads first and writes later would fail at once under load, whatever the timeout.
    # FULL: a letter is marked as being sent before it leaves; that mark has to survive a loss of power.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A process that is stopped in the middle of a transaction would hold its locks for as long as it stands still.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", "-c idle_in_transaction_session_timeout=20000")

REDIS_URL = env.str("REDIS_URL", "")
if REDIS_URL:
    CACHES: dict[str, Any] = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"serializer": CacheSerializer},
        }
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 60 * 60

# --- Queue: the database is the truth, huey only wakes the workers ---------------------------------------------------

WORKERS = env.int("WORKERS", 4)
HUEY: dict[str, Any] = {
    "name": "postroom",
    "huey_class": "huey.PriorityRedisHuey" if REDIS_URL else "huey.SqliteHuey",
    # djhuey's default is DEBUG, which would send mail inside the web request.
    "immediate": False,
    # Results of tasks would be kept for ever.
    "results": False,
    "serializer": TaskSerializer(),
    "consumer": {
        "workers": WORKERS,
        # Process workers outlive a killed parent and go on taking tasks.
        "worker_type": "thread",
        # The default of ten seconds is how long a launch could wait with the SQLite queue.
        "max_delay": 1.0,
        "check_worker_health": True,
        "graceful_signal": "TERM",
        "shutdown_timeout": 30,
    },
}
if REDIS_URL:
    HUEY["connection"] = {"url": REDIS_URL}
else:
    HUEY["filename"] = str(env.path("QUEUE_FILE", default=str(VAR_DIR / "queue.sqlite3")))

# --- Mail ------------------------------------------------------------------------------------------------------------

EMAIL_HOST = env.str("EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = env.int("EMAIL_PORT", 25)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", False)
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", False)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_TIMEOUT = 20
EMAIL_HELO = env.str("EMAIL_HELO", "")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Postroom <postroom@localhost.localdomain>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
REPLY_TO_EMAIL = env.str("REPLY_TO_EMAIL", "")
POSTAL_ADDRESS = env.str("POSTAL_ADDRESS", "")

SENDING_CONNECTIONS = env.int("SENDING_CONNECTIONS", 10)
SENDING_LIMITS = env.str("SENDING_LIMITS", "")
SENDING_LEASE_SECONDS = env.int("SENDING_LEASE_SECONDS", 120)

# --- People ----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "accounts.backends.OwnerBackend",
    "accounts.backends.GrantBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "full_name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 60 * 60
PASSWORD_LETTERS_AN_HOUR = 3
INVITATION_LIFETIME = timedelta(days=3)
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
SUPERUSER_EMAIL = env.str("SUPERUSER_EMAIL", "")
SUPERUSER_PASSWORD = env.str("SUPERUSER_PASSWORD", "")

# Five wrong tries for one login from one address close the door to this pair for a quarter of an hour, to the minute:
# trying on meanwhile does not prolong it. What axes would keep besides the count is left out (see accounts.lockout).
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_FORM_FIELD = "username"
AXES_CLIENT_IP_CALLABLE = "accounts.lockout.client_address"
AXES_LOCKOUT_CALLABLE = "accounts.lockout.answer"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

REQUIRE_2FA = env.bool("REQUIRE_2FA", False)
OTP_TOTP_ISSUER = "Postroom"

# With an e-mail login guardian's "AnonymousUser" would be a person in the user list.
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
# guardian looks for its backend by name; ours (GrantBackend) is a subclass of it.
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]

IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "add"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "view"
IMPORT_EXPORT_SKIP_ADMIN_LOG = True

# --- Files -----------------------------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "project" / "static"]
# Attachments and uploaded client lists: never served by a URL, only read by our own code.
MEDIA_ROOT = env.path("UPLOAD_DIR", default=str(VAR_DIR / "uploads"))()
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "staticfiles": {"BACKEND": "project.storage.StaticStorage"},
}
UPLOAD_LIMIT_MB = env.int("UPLOAD_LIMIT_MB", 100)
IMPORT_UNPACKED_LIMIT_MB = env.int("IMPORT_UNPACKED_LIMIT_MB", 500)
IMPORT_ROWS_LIMIT = env.int("IMPORT_ROWS_LIMIT", 1_000_000)
IMPORT_COLUMNS_LIMIT = env.int("IMPORT_COLUMNS_LIMIT", 50)
IMPORT_CELL_LIMIT = env.int("IMPORT_CELL_LIMIT", 10_000)
IMPORT_KEEP_DAYS = env.int("IMPORT_KEEP_DAYS", 90)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- Language and time -----------------------------------------------------------------------------------------------

LANGUAGE_CODE = env.str("LANGUAGE_CODE", "ru")
LANGUAGES = [("ru", _("Russian")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "mailings" / "locale"]
TIME_ZONE = env.str("TIME_ZONE", "Europe/Moscow")
USE_TZ = True
FORMAT_MODULE_PATH = "project.formats"

# --- Safety ----------------------------------------------------------------------------------------------------------

IS_HTTPS = urlsplit(SITE_URL).scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
if IS_HTTPS:
    # Browsers take a cookie of such a name from this very host only: no neighbour under the same domain can plant one.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
# Django's own default keeps what is still to be said in a cookie, which outlives a logout.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", IS_HTTPS)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 3600 if IS_HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", False)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"


def content_policy(**changes: str) -> str:
    """Say what a page may load and run: our own files and nothing inline, for no page of ours has any of it."""
    sources = {
        "default_src": "'none'",
        "script_src": "'self'",
        "style_src": "'self'",
        # data: the small pictures inside the style sheets of Bootstrap and the theme.
        "img_src": "'self' data:",
        "font_src": "'self'",
        "connect_src": "'self'",
        "form_action": "'self'",
        "base_uri": "'none'",
        "frame_ancestors": "'none'",
    }
    return "; ".join(f"{name.replace('_', '-')} {source}" for name, source in (sources | changes).items())


PAGE_HEADERS = {
    "Content-Security-Policy": content_policy(),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
}
# For a page that shows a letter in <iframe sandbox srcdoc>: the frame inherits the page's policy, and letters carry
# style="" attributes. Scripts and pictures from elsewhere stay out: those would tell the sender who looks.
LETTER_PAGE_POLICY = content_policy(style_src="'self' 'unsafe-inline'")
TRUST_X_FORWARDED_PROTO = env.bool("TRUST_X_FORWARDED_PROTO", False)
if TRUST_X_FORWARDED_PROTO:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])

# --- Log -------------------------------------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", "INFO").upper()
LOG_FORMAT = env.str("LOG_FORMAT", "text")
TO_CONSOLE = {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {
            "()": "project.log.TextFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
        "json": {"()": "project.log.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # Those that would otherwise add a handler of their own, past our formatters: huey's lines would come twice, Django
    # would mail its error reports, gunicorn's access log (if there is one) would hold the tokens of links.
    # axes tells at INFO, in five lines a sign-in, what it has not found.
    "loggers": dict.fromkeys(("huey", "django", "django.server", "gunicorn.access", "gunicorn.error"), TO_CONSOLE)
    | {"axes": {"level": "WARNING" if LOG_LEVEL in ("DEBUG", "INFO") else LOG_LEVEL}},
}
DEFAULT_EXCEPTION_REPORTER_FILTER = "project.log.ReportFilter"

# --- Theme: our own templates draw the pages; jazzmin's tags build the menu from this --------------------------------

DEMO = env.bool("DEMO", False)
JAZZMIN_SETTINGS: dict[str, Any] = {
    "site_title": "Postroom",
    "site_header": "Postroom",
    "site_brand": "Postroom",
    "related_modal_active": False,
    "changeform_format": "single",
    "search_model": ["mailings.client"],
    "hide_models": ["auth.group"],
    "order_with_respect_to": [
        "mailings",
        "mailings.mailing",
        "mailings.message",
        "mailings.client",
        "mailings.clientlist",
        "mailings.run",
        "mailings.delivery",
        "mailings.attempt",
        "mailings.importjob",
        "mailings.suppression",
        "accounts",
    ],
    "icons": {
        "accounts.user": "fas fa-user",
        "accounts.journalentry": "fas fa-book",
        "mailings.mailing": "fas fa-paper-plane",
        "mailings.message": "fas fa-envelope-open-text",
        "mailings.client": "fas fa-address-card",
        "mailings.clientlist": "fas fa-list",
        "mailings.run": "fas fa-play",
        "mailings.delivery": "fas fa-inbox",
        "mailings.attempt": "fas fa-clipboard-check",
        "mailings.importjob": "fas fa-file-import",
        "mailings.suppression": "fas fa-ban",
    },
}
