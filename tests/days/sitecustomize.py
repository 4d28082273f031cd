"""Read by every Python that `make test-days` starts: its clock is ahead by `CLOCK_AHEAD` seconds.

It goes on from there. A test that stops or sets the clock does so within this.
"""

import os
from datetime import UTC, datetime, timedelta

if ahead := os.environ.get("CLOCK_AHEAD"):
    import time_machine

    time_machine.travel(datetime.now(UTC) + timedelta(seconds=int(ahead)), tick=True).start()
