"""Settings, read from the environment in this one file; bad values stop the start.

There are two ways to run. In demo mode (`DEMO=true`, which `make run` sets) everything has a
default, no mail leaves the machine and the sign-in page offers demo people. Otherwise the
product is in production: what has no safe default must be given. docs/operators-guide.md
explains each value.
"""

from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.management.utils import get_random_secret_key
from django.utils.translation import gettext_lazy as _

from expansive_cm.environment import Environment
from expansive_cm.logs import LINE

BASE_DIR = Path(__file__).resolve().parent.parent


# --- What the environment says -----------------------------------------------------------

env = Environment()
DEMO = env.bool("DEMO", False)


def demo_default(value: Any) -> Any:
    """Give a value its default in demo mode only: production has to state it."""
    return value if DEMO else ...


DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.secret_key("SECRET_KEY", demo_default(get_random_secret_key()))
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
BASE_URL = env.base_url("BASE_URL", demo_default("http://127.0.0.1:8000"))
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", demo_default("localhost,127.0.0.1,[::1]"))
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES", "")
DATABASE = env.database_url(
    "DATABASE_URL", demo_default("postgresql://postgres@127.0.0.1/postgres")
)
STATEMENT_TIMEOUT_SECONDS = env.not_negative("STATEMENT_TIMEOUT_SECONDS", "30")
REDIS_URL = env.redis_url("REDIS_URL", demo_default("redis://127.0.0.1:6379/0"))
EMAIL = env.email_url("EMAIL_URL", demo_default("smtp://127.0.0.1:25"))
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL", demo_default("Expansive Change Management <changes@expansive.example>")
)
MAILBOXES = env.mailboxes("MAILBOXES", "")
MAILBOX_CA = env.certificates("MAILBOX_CA", None)
MAIL_LARGEST = env.positive("MAIL_LARGEST", str(30 * 2**20))
MEDIA_ROOT = env.folder("MEDIA_ROOT", str(BASE_DIR / ".data" / "media"))
STATIC_ROOT = env.folder("STATIC_ROOT", str(BASE_DIR / "staticfiles"))
HSTS_SECONDS = env.not_negative("HSTS_SECONDS", str(365 * 24 * 3600))
LOG_LEVEL = env.level("LOG_LEVEL", "INFO")
ATTACHMENT_MAX_BYTES = env.positive("ATTACHMENT_MAX_BYTES", str(20 * 2**20))
CHANGE_FILES_MAX_BYTES = env.positive("CHANGE_FILES_MAX_BYTES", str(500 * 2**20))
LINK_FILES_MAX_BYTES = env.positive("LINK_FILES_MAX_BYTES", str(50 * 2**20))
REMINDER_DAYS = env.days("REMINDER_DAYS", "3,7,14")
CONFIRMATION_LINK_DAYS = env.positive("CONFIRMATION_LINK_DAYS", "30")
PROMISE_WARN_DAYS = env.not_negative("PROMISE_WARN_DAYS", "60")
ACCESS_LINK_DAYS = env.positive("ACCESS_LINK_DAYS", "60")
REPLY_ADDRESS = env.address("REPLY_ADDRESS", "")
MAIL_BURST_SECONDS = env.seconds("MAIL_BURST_SECONDS", "120")
OUTCOME_UNDO_SECONDS = env.seconds("OUTCOME_UNDO_SECONDS", "300")
WEB_PROCESSES = env.positive("WEB_PROCESSES", "2")
WEB_THREADS = env.positive("WEB_THREADS", "4")
WEB_QUEUE = env.positive("WEB_QUEUE", "100")
WEB_STREAMS = env.positive("WEB_STREAMS", "1000")
WEB_STREAMS_PERSON = env.positive("WEB_STREAMS_PERSON", "10")
env.stop_if_wrong()


# --- The applications ----------------------------------------------------------------------

INSTALLED_APPS = [
    "accounts",
    "changes",
    "crb",
    "audit",
    "expansive_cm.bench",
    "expansive_cm.demo",
    "expansive_cm.post",
    "expansive_cm.ui",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "django.forms",
    "django_fsm",
    "simple_history",
    "pgtrigger",
    "post_office",
    "django_htmx",
    "allauth",
    "allauth.account",
    "csp",
]
MIDDLEWARE = [
    "expansive_cm.middleware.HeadMiddleware",
    "expansive_cm.health.HealthMiddleware",
    "expansive_cm.middleware.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "expansive_cm.middleware.CompressionMiddleware",
    "expansive_cm.middleware.PrivateMiddleware",
    "expansive_cm.errors.NulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.TimeZoneMiddleware",
    "expansive_cm.middleware.RequestSizeMiddleware",
    "expansive_cm.errors.StepErrorMiddleware",
]
ROOT_URLCONF = "expansive_cm.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context_processors.shell",
            ]
        },
    }
]
# Forms are drawn by the project's own templates, which `django.forms` makes reachable.
FORM_RENDERER = "expansive_cm.ui.forms.TablerRenderer"
# The page that draws what is typed as Markdown, for the widget's preview.
MARKDOWN_PREVIEW = "changes:preview_markdown"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SIMPLE_HISTORY_REVERT_DISABLED = True
SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True


# --- The database --------------------------------------------------------------------------

# A statement or a lock that takes this long is a fault: the person is told and nobody else
# waits. Migrations and imports raise STATEMENT_TIMEOUT_SECONDS; 0 means no limit.
DATABASE_LIMITS = {
    "statement_timeout": STATEMENT_TIMEOUT_SECONDS * 1000,
    "lock_timeout": 5_000,
    "idle_in_transaction_session_timeout": 60_000,
    # How much of a search must be found in a title that does not contain it: "boilre".
    "pg_trgm.word_similarity_threshold": 0.5,
    # Several common words of a million changes: with less, a search reads many rows in vain.
    "work_mem": "32MB",
}
DATABASES = {
    "default": {
        **DATABASE,
        "ENGINE": "expansive_cm.database",
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            "application_name": "expansive-cm",
            "options": " ".join(f"-c {name}={value}" for name, value in DATABASE_LIMITS.items()),
            **DATABASE.get("OPTIONS", {}),
        },
    }
}

# Sign-in limits must hold across all web processes, and a request must never need Redis:
# what is counted therefore lies in a table beside the sessions (`createcachetable`). Above
# MAX_ENTRIES each write also deletes what is over.
CACHES = {
    "default": {
        "BACKEND": "expansive_cm.cache.CountingCache",
        "LOCATION": "expansive_cm_cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}
SESSION_ENGINE = "accounts.sessions"


# --- People --------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"

ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "reauthenticate": "accounts.forms.ConfirmPasswordForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password": "accounts.forms.ForgottenPasswordForm",
    "reset_password_from_key": "accounts.forms.NewPasswordForm",
}
PASSWORD_RESET_TIMEOUT = 24 * 3600
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
# An administrator creates people and vouches for their address.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "20/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/15m/key",
    "reset_password_from_key": "20/m/ip",
}
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(BASE_URL).scheme


# --- Safety in the browser -----------------------------------------------------------------

HTTPS = BASE_URL.startswith("https://")
CSRF_TRUSTED_ORIGINS = [BASE_URL]
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = HSTS_SECONDS if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
# With no-referrer, browsers send `Origin: null` and every form would be refused.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "expansive_cm.errors.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        # Tabler's style sheets carry small pictures as data: addresses.
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# The body of a request: a form with several attachments, not an endless stream.
REQUEST_MAX_BYTES = 5 * ATTACHMENT_MAX_BYTES + 2**20
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
DATA_UPLOAD_MAX_NUMBER_FILES = 20


# --- Files ---------------------------------------------------------------------------------

# Uploaded files have no address: a view hands them out after a permission check.
STORAGES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "expansive_cm.files.WholeFiles",
        "OPTIONS": {
            "location": MEDIA_ROOT,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {"BACKEND": "expansive_cm.web.assets.HashedAssets"},
}
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Pages ask for names with a hash alone: the others need not be compressed and kept as well.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True


# --- Mail ----------------------------------------------------------------------------------

# Every message, also those of libraries, becomes a row in the outbox first. Demo mode marks
# it as sent and delivers it nowhere: the Mail page is where it is read.
vars().update(EMAIL)
EMAIL_TIMEOUT = 20
EMAIL_BACKEND = "post_office.EmailBackend"
SERVER_EMAIL = DEFAULT_FROM_EMAIL
DELIVERY_BACKEND = (
    "django.core.mail.backends.dummy.EmailBackend"
    if DEMO
    else "django.core.mail.backends.smtp.EmailBackend"
)
POST_OFFICE: dict[str, Any] = {
    "BACKENDS": {"default": DELIVERY_BACKEND},
    # `changes.tasks` starts delivery, and survives a broker that is down; `post` sends.
    "CELERY_ENABLED": False,
    "DEFAULT_PRIORITY": "medium",
    "MESSAGE_ID_ENABLED": True,
    "MESSAGE_ID_FQDN": parseaddr(DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    or urlsplit(BASE_URL).hostname,
}


# --- Background work -----------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_TIMEZONE = "UTC"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
# A task is only done when it has returned: one that dies with its process is given out again.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1_000
# A child that a busy machine is slow to start is no dead one.
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 60.0
CELERY_TASK_SOFT_TIME_LIMIT = 9 * 60
CELERY_TASK_TIME_LIMIT = 10 * 60
# The worker looks for its broker for ever; a request that starts work gives up at once.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 20 * 60,
    "socket_timeout": 3,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 30,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}


# --- Language, time and log ----------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", _("British English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["expansive_cm.formats"]
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "expansive_cm.logs.OneLineFormatter",
            "format": LINE,
        }
    },
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "line",
            # Some loggers below have a level of their own, which asks nobody.
            "level": LOG_LEVEL,
        },
        # A logger without any handler falls back to one that prints whole tracebacks.
        "nothing": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stdout"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "post_office": {"handlers": [], "propagate": True},
        # Strangers knock with any host name; each is refused, none is worth a line.
        "django.security.DisallowedHost": {"handlers": ["nothing"], "propagate": False},
        # Work that runs every minute is worth a line when it fails.
        "celery.beat": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
