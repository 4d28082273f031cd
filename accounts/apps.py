from functools import lru_cache
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.apps import apps as all_apps
from django.apps.registry import Apps
from django.conf import settings
from django.db.models.signals import post_migrate, pre_save
from django.utils.translation import gettext_lazy as _
from django.utils.translation import trans_real

from expansive_cm.texts import tidy_texts


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        # Whatever starts a task finds the queue by it.
        import_module("expansive_cm.celery")
        post_migrate.connect(ensure_roles, sender=self)
        pre_save.connect(tidy_texts, dispatch_uid="tidy_texts")
        remember_texts()


def remember_texts() -> None:
    """Look for each text once in the catalogues of Django and of the libraries.

    There are a dozen of them, asked one after the other for every text of every page and mail;
    those of the product itself are in none.
    """
    catalogue: Any = trans_real.translation(settings.LANGUAGE_CODE)
    catalogue.gettext = lru_cache(maxsize=8192)(catalogue.gettext)


def ensure_roles(using: str, apps: Apps = all_apps, **kwargs: Any) -> None:
    """Make sure that every role has its group, after migrating and after emptying the tables."""
    from .roles import Role

    try:
        group = apps.get_model("auth", "Group")
    except LookupError:  # migrated back to before there were groups
        return
    for role in Role.values:
        group.objects.using(using).get_or_create(name=role)
