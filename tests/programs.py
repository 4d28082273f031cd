"""The programs of others that tests run: where they are, or why the test cannot be."""

from pathlib import Path

import pytest

from expansive_cm.services.bootstrap import Needed


def program(needed: Needed) -> str:
    """Return where it is; without it the test fails, or is left out on purpose."""
    found = needed.found()
    if found and Path(found).exists():
        return found
    if needed.is_left_out():
        pytest.skip(needed.missing)
    pytest.fail(needed.missing, pytrace=False)
