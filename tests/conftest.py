"""Every fixture that tests of more than one folder share, by the room it stands in.

`tests/environment.py` has started the databases before this file is read.
"""

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
