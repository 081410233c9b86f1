"""From the names of contracts (Go, protobuf, SQL, YAML) to the names of Python."""

from __future__ import annotations

import keyword
import re

_WORD = re.compile(
    r"^[0-9]+[a-z]*"
    r"|[A-Z]+s(?![a-z])"  # a plural acronym: the `IDs` of `UserIDs`
    r"|[A-Z]+(?![a-z])"  # an acronym: the `HTTP` of `HTTPServer`
    r"|[A-Z]?[a-z]+"
    r"|[0-9]+"
)


def words(name: str) -> list[str]:
    """The words of a name in any style, in lower case: `HTTPServer`, `http-server` give `["http", "server"]`.

    Digits belong to the word before them: `Ipv4Addr` gives `["ipv4", "addr"]`.
    """
    found: list[str] = []
    for part in re.split(r"[^0-9A-Za-z]+", name):
        for match in _WORD.finditer(part):
            word = match.group().lower()
            if word.isdigit() and match.start() > 0:
                found[-1] += word
            else:
                found.append(word)
    return found


def snake(name: str) -> str:
    """`UserID` -> `user_id`."""
    return "_".join(words(name))


def pascal(name: str) -> str:
    """`user_order` -> `UserOrder`."""
    return "".join(word[0].upper() + word[1:] for word in words(name))


def identifier(name: str) -> str:
    """The snake-case Python identifier of a name.

    Keywords get a trailing `_`, a leading digit gets a `_` before it.
    """
    result = snake(name) or "_"
    if result[0].isdigit():
        result = f"_{result}"
    return f"{result}_" if keyword.iskeyword(result) else result
