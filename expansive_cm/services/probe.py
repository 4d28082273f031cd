"""Ask a process inside its container whether it is well; the exit status is the answer.

`probe.py http://127.0.0.1:8000/readyz` asks the web process, `probe.py FILE SECONDS` looks
whether the worker or beat has touched its file lately.
"""

import sys
import time
import urllib.request
from pathlib import Path


def is_well(what: str, seconds: str = "0") -> bool:
    """Whether the address answers, or the file is not older than that many seconds."""
    if what.startswith("http"):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(what, timeout=4) as response:
            return bool(response.status == 200)
    return time.time() - Path(what).stat().st_mtime < float(seconds)


if __name__ == "__main__":
    try:
        sys.exit(0 if is_well(*sys.argv[1:]) else 1)
    except (OSError, ValueError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
