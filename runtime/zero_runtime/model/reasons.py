"""Why a server cannot be reached, as the system says it."""

from __future__ import annotations

import os
import ssl


def system_reason(error: BaseException) -> str | None:
    """What the system says, in its own words; None when somebody else has said it."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    # An error of TLS has a number of its own kind.
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno:
        # A host that is not found has a negative one.
        return (os.strerror(error.errno) if error.errno > 0 else error.strerror or "").lower()
    return None
