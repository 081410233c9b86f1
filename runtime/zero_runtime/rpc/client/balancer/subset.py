"""Which of many servers one client stays connected to.

A thousand clients that are each connected to a thousand servers keep a million connections. So every client
takes a few, by lot; go-zero does too (zrpc/resolver/internal/subset.go), but shuffles anew whenever an
address comes or goes, and so drops nearly all of its connections. Here every address has a number that the
client drew for it, and the lowest count (rendezvous hashing: Thaler, Ravishankar 1998): one that comes takes
the place of one at most, and one that goes is replaced by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


def subset(addresses: Iterable[str], size: int, seed: bytes) -> tuple[str, ...]:
    """``size`` of the addresses, always the same for a seed; all if ``size`` is 0 or there are no more.

    The ``seed`` is the client's own: random, up to 64 bytes.
    """
    found = tuple(dict.fromkeys(addresses))
    if not 0 < size < len(found):
        return found
    ranked = sorted(found, key=lambda address: blake2b(address.encode(), digest_size=8, key=seed).digest())
    return tuple(ranked[:size])
