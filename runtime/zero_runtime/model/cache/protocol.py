"""What a store of the cache does, and why no reader ever keeps a row that a writer has replaced.

A key of the store holds one of four things: nothing; an entry (a row, a mapping, a placeholder); a lease;
or the marks of writers. Every store does each of these steps at once, as one:

    get(key)                    what it holds
    lease(key, token, seen)     puts the lease `token` where nothing is, or still `seen`; returns
                                what is there then
    fill(key, token, entry)     puts the entry where the lease `token` still is
    mark(keys, token)           puts the writer's mark at each key, beside those of other writers, in place of
                                whatever else there is; it lasts for `MARK` seconds
    release(keys, token)        takes the mark away, and with the last one the key

A token is never used twice. Whoever finds a lease that somebody else has put there uses that one: it tells
not whose turn it is but that the key has not changed since. So nobody waits for a reader that died.

**Reader.** r1 get: an entry is the answer. A mark: the database is asked, nothing is stored. Else r2 lease,
with the same outcomes, or a token t. r3 ask the database, its primary. r4 fill with t.

**Writer.** w1 change the rows in a transaction. w2 mark their keys. w3 COMMIT. w4 release. Where a single
statement is the transaction w1 and w3 are one, after w2; keys that only such a statement tells, of a row
that it inserts, have no w2. A rollback goes from w2 to w4. Whoever was not told how w3 ended marks the keys
again, and leaves it at that.

**Claim.** An answer that a read gives was true at a moment between its beginning and its end, or at a
moment at which the writer that has made it untrue was between w3 and w4: its method has not returned yet.
And no entry that a commit has made untrue is there once its writer has done w4.

*Entries that are stored.* A reader stores what it has read at r3 only if t is there at r4, so t was there
from before r3 until r4. Suppose that a commit w3 made it untrue: r3 < w3. Where is its w2? Between r2 and
r4 it is not, for a mark ends a lease and no token comes back. Before r2 it is not: as long as the mark is
there no lease can be put there, and the mark goes at w4, after w3 > r3. So r4 < w2, and the mark put an end
to the entry before the commit. With several writers of a key each has a mark of its own, and the key is
free only when the last is gone. Without w2 r4 < w4 in the same way, for w4 ends leases as well, and what
was stored is gone with w4.

*Answers.* An entry that r1 finds was stored before w2 of each later writer and is gone from w2 on, so it is
true at r1. What r3 reads is true at r3. Tasks of one process that want the same key at once share r2 to r4,
but nobody shares those that began before he asked (`loads`), so that r3 is within each of their reads.

*Unique indexes.* A mapping says which primary key a value had. The row is read by its key and must still
have that very value; if so it is the only one that has, for the index is unique. If not, the database is
asked. So old mappings do no harm, and writers need to mark of unique values just those that rows get: for
the sake of placeholders.

*Placeholders* are entries. They count for exactly the values that were asked for. Where rows come whose
keys nobody can tell (many at once; texts of which a collation makes others) the writer marks one key of the
table instead, its epoch. A placeholder carries the token that was the lease of that key before its r3, and
counts as long as it still is: the argument above, with the epoch's key. Of a unique index with a value that
the database computes no placeholders are kept, for not even writers of a single row know it.

**What may go wrong, and what remains then.**

* A reader dies: its lease is used by others, and ends after `LEASE` seconds.
* A writer dies, or is not told what became of COMMIT: its marks stay, readers go to the database, for
  `MARK` seconds. A COMMIT that takes effect later than that is not covered. One that dies before w4 of keys
  without w2 leaves placeholders, for `NotFoundExpiry`.
* Redis forgets (restart without persistence, eviction): entries are gone as well. Where it forgets a mark
  and keeps nothing older, or the mark ends because COMMIT takes so long, a reader may store between w2 and
  w3, and w4 removes that: untrue only between w3 and w4. If the writer dies just then the row stays for
  `Expiry`.
* Redis comes back with an old state (snapshot, failover to a replica that lags): what it deleted since may
  be there again, for `Expiry`. Do not persist a cache.
* Redis is away for a writer: it commits all the same, and owes the release. From the first failure on its
  process answers nothing from Redis, asks for it at least once a second, and when it is there pays all it
  owes before it uses it again. So the process itself never reads what it replaced; others, if they can
  reach Redis, may until then: the time that the writer cannot reach it, and about a second. Who stops while
  he owes, or owes more than 100,000 keys, says so in the log, and what is not paid may stay for `Expiry`.
* Commands are late, or done twice, because connections break: mark and release may be repeated at any time,
  fill is void the second time. A lease that is late is used by whoever comes; it is never sent twice, for
  the second might put the token back that a writer has ended in between. A mark that arrives after its
  release costs `MARK` seconds of reads from the database.
* Two versions of a contract are in use at once. Rows of another layout are not used, but writers mark the
  keys of their own version: a unique index that only the other one has may keep a placeholder for
  `NotFoundExpiry`, and where the type of the primary key differs rows may stay for `Expiry`. Whoever changes
  that gives `Prefix` another value.
* The local layer (`Local`) keeps an entry for that long from r1 of the read that found it: so much older is
  an answer at most. Its own process's writers drop it after w4, and a read that this overtook keeps nothing;
  so a process sees what it has written, but where a commit takes effect after its writer has given up.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterable
from typing import Protocol

MARK = 60.0
"""Seconds that a writer's mark lasts. It has to outlast any COMMIT; a long one only costs reads from the
database."""

LEASE = 60.0
"""Seconds that a lease lasts."""

ELSE = b"!"
"""What `Store.get` and `Store.lease` tell of a key that holds what no cache has put there."""

_LEASE, _MARK = b"L", b"W"


class Away(Exception):
    """The store cannot be used at present."""


class Store(Protocol):
    """Where entries are kept."""

    away: bool
    """Whether it cannot be used at present: nothing is read from it, and what is owed to it is done before
    it can be used again."""

    async def get(self, key: bytes) -> bytes | None:
        """What the key holds. Raises Away."""

    async def lease(self, key: bytes, token: bytes, seen: bytes, lasts: float = LEASE) -> bytes:
        """Puts ``token``, of this call alone, there for ``lasts`` seconds if the key holds nothing, or
        ``seen``; returns what it holds then. Raises Away."""

    async def fill(self, key: bytes, token: bytes, entry: bytes, lasts: float) -> bool:
        """Puts the entry there for ``lasts`` seconds if the key still holds ``token``; returns whether it
        did."""

    async def mark(self, keys: Iterable[bytes], token: bytes) -> bool:
        """Puts a writer's mark at the keys; returns False if it may be missing somewhere. Never raises."""

    async def release(self, keys: Iterable[bytes], token: bytes) -> None:
        """Takes it away; what fails is owed. Never raises."""

    async def remark(self, keys: Iterable[bytes], token: bytes) -> None:
        """As `mark`; what fails is owed."""

    async def close(self) -> None:
        """Tries once more to do what is owed."""


def tokens() -> Callable[[], bytes]:
    """Makes tokens that nobody else makes."""
    prefix = secrets.token_hex(6).encode()
    numbers = itertools.count()
    return lambda: b"%s-%x" % (prefix, next(numbers))


def lease_of(token: bytes) -> bytes:
    """The lease that a token makes."""
    return _LEASE + token


def is_lease(held: bytes) -> bool:
    """Whether what a key holds is a lease."""
    return held.startswith(_LEASE)


def is_mark(held: bytes) -> bool:
    """Whether it is the marks of writers."""
    return held.startswith(_MARK)


def with_mark(held: bytes | None, token: bytes, now: float) -> bytes:
    """Marks that were there and still last, and that of ``token``. Times are in milliseconds."""
    return (others(held, token, now) or _MARK) + b"%s:%d;" % (token, now + MARK * 1000)


def others(held: bytes | None, token: bytes, now: float) -> bytes:
    """The marks of others that still last; nothing if there are none."""
    if held is None or not is_mark(held):
        return b""
    marks = (mark.split(b":") for mark in held[len(_MARK) :].split(b";") if mark)
    left = b"".join(b"%s:%s;" % (own, end) for own, end in marks if own != token and int(end) > now)
    return _MARK + left if left else b""
