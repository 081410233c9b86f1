"""Keys of the store: each stands for exactly one value of one index, whatever is in the values.

A key is ``prefix:table:index:values``, and values stand between commas. Colons and commas within a part are
escaped, but for the prefix, so the last three colons are those here; texts begin with a quote, bytes with an
x, and numbers are plain. So no two lists of values have the same key, whatever the prefixes are. Numbers that
are equal have one, as they are one to a database.

Texts that a database may compare without regard to case, accents and trailing blanks (`Index.folded`) are
another matter: a writer of ``anna`` has to reach the key that a reader of ``Anna`` made. What is equal to
what is up to collations, of which there are hundreds, so texts are divided:

* printable ASCII is folded to a text that is the same for all that any collation of MySQL and MariaDB makes
  equal: without case and trailing blanks, and i = j = y, u = v = w and c = ch, as Lithuanian, Swedish and
  Latin have it;
* what else there is may be equal to whatever: ``ß`` to ``ss``, one emoji to another. It is never folded. It
  has a key of its own where nothing but a mapping is stored, which does not have to be reached by writers,
  and else none; and writers of such a text make all placeholders of the table void.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Sequence

from zero_runtime.model.values import Value

_LONGEST = 200
"""Bytes of values in a key; longer ones are replaced by their digest."""

_FOLD = str.maketrans(string.ascii_uppercase + "jyvwJYVW", string.ascii_lowercase + "iiuuiiuu")


def is_plain(text: Value) -> bool:
    """Whether it can be folded: printable ASCII."""
    return isinstance(text, str) and text.isascii() and text.isprintable()


def fold(text: str) -> str:
    """What texts of printable ASCII have in common that some collation makes equal."""
    return text.translate(_FOLD).replace("ch", "c").rstrip(" ")


class Keys:
    """The keys of one index."""

    __slots__ = ("_exact", "_folded", "_stem")

    def __init__(
        self, prefix: str, table: str, index: str, folded: Sequence[int] = (), *, exact: bool
    ) -> None:
        """``exact``: whether values with texts that cannot be folded have keys at all."""
        self._stem = ":".join((prefix, _escaped(table), _escaped(index), "")).encode()
        self._folded = frozenset(folded)
        self._exact = exact

    def of(self, values: Sequence[Value]) -> bytes | None:
        """The key of values; None if they have none, as NULL has not."""
        parts = []
        for position, value in enumerate(values):
            part = self._part(value, position in self._folded)
            if part is None:
                return None
            parts.append(part)
        text = ",".join(parts).encode("utf-8", "surrogatepass")
        if len(text) > _LONGEST:
            text = b"#" + hashlib.sha256(text).hexdigest().encode()
        return self._stem + text

    def is_reachable(self, values: Sequence[Value]) -> bool:
        """Whether whoever writes an equal value finds the key of these."""
        return all(is_plain(values[position]) for position in self._folded)

    def _part(self, value: Value, folded: bool) -> str | None:
        if isinstance(value, str):
            if not folded:
                return "'" + _escaped(value)
            if is_plain(value):
                return "~" + _escaped(fold(value))
            return "'" + _escaped(value) if self._exact else None
        if isinstance(value, bytes):
            return "x" + value.hex()
        if value is None:
            return None
        if isinstance(value, float) and not value.is_integer():
            return repr(value)
        return str(int(value))


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
