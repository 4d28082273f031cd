"""Every fixture that tests of more than one folder share, by the room it stands in.

`tests/environment.py` has started the databases before this file is read.
"""

from hypothesis import HealthCheck, settings

# How fast a machine makes examples, or tries one, is no fault of the product.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

pytest_plugins = [
    "tests.browser",
    "tests.database",
    "tests.dovecot",
    "tests.drawn",
    "tests.endings",
    "tests.hardness",
    "tests.people",
    "tests.product",
    "tests.server",
    "tests.sharing",
    "tests.signing_in",
    "tests.smtp",
    "tests.worker",
]
