"""What a single call may say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypedDict

Metadata = Sequence[tuple[str, str | bytes]]
"""Names in lower case and what they say; only names that end in ``-bin`` may say bytes."""


class CallOptions(TypedDict, total=False):
    """``client.login(request, timeout=0.5)``: every one may be left out."""

    timeout: float
    """How long the call may take, in seconds. Left out, it is the client's ``Timeout``, and none for streams.
    The request that is being served while the call is made ends it too."""

    metadata: Metadata
    """Sent along."""

    hash_key: str
    """What the balancer ``consistent_hash`` chooses the server by: calls of one key go to the same."""


_NAME = re.compile(r"(?!grpc-)[0-9a-z_.-]+")
_TEXT = re.compile(r"[ -~]*")
"""See https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Custom-Metadata."""


def checked(metadata: Metadata) -> tuple[tuple[str, str | bytes], ...]:
    """The same. Raises ValueError with the first name that cannot be sent, or whose value cannot."""
    for name, value in metadata:
        if not _NAME.fullmatch(name):
            hint = "lower-case letters, digits and `_.-`, and not `grpc-` in front"
            raise ValueError(f"metadata `{name}`: names have {hint}")
        if name.endswith("-bin"):
            if not isinstance(value, bytes):
                raise ValueError(f"metadata `{name}`: expected bytes")
        elif not isinstance(value, str) or not _TEXT.fullmatch(value):
            raise ValueError(
                f"metadata `{name}`: expected printable ASCII; other values go under names with `-bin`"
            )
    return tuple(metadata)
