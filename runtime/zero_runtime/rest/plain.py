"""Errors as plain text, as go-zero sends them: for clients that were written against a go-zero service."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args, get_origin

from zero_runtime.errors import Code, HttpError, InvalidArgument, ZeroError
from zero_runtime.explain import ABSENT, Wrong, bare, dotted
from zero_runtime.rest.message import Response
from zero_runtime.rest.refusal import BadRequest, InvalidToken, Refusal, TokenRequired
from zero_runtime.rest.rules import With, Without

_TEXT = ((b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff"))


def as_text(error: ZeroError) -> Response:
    """The response to a request that failed with ``error``; from status 500 on it tells nothing of it.

    Of a wrong request it names the first wrong field alone.
    """
    headers = list(error.headers) if isinstance(error, HttpError) else []
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    text = _text(error)
    return (
        Response(error.status, f"{text}\n".encode(), (*_TEXT, *headers))
        if text
        else Response(error.status, headers=headers)
    )


def _text(error: ZeroError) -> str:
    if isinstance(error, Refusal):
        return error.text
    if error.status >= 500 or isinstance(error, TokenRequired | InvalidToken):
        return ""
    if isinstance(error, BadRequest):
        return _mistake(error.wrongs[0])
    if isinstance(error, InvalidArgument | HttpError):
        return error.message
    return f"rpc error: code = {_name(error.code)} desc = {error.message}"


def _name(code: Code) -> str:
    """The name of a code in Go."""
    return "Canceled" if code is Code.CANCELLED else code.name.title().replace("_", "")


def _mistake(wrong: Wrong) -> str:
    name, kind, value = dotted(wrong.path), bare(wrong.kind), wrong.value
    if isinstance(kind, With | Without):
        return kind.text(name)
    if not name or kind is None:
        return wrong.message
    if value is ABSENT:
        missing = get_origin(kind) is not list
        return f'field "{name}" is not set' if missing else f'type mismatch for field "{name}"'
    if value is None:
        return f'field "{name}" mustn\'t be nil'
    if get_origin(kind) is Literal:
        return _not_an_option(name, kind, value, wrong.text)
    if wrong.message.startswith("must be "):
        return "wrong number range setting"
    if wrong.text and kind in _PARSERS:
        return f'strconv.{_parser(wrong.kind)}: parsing "{value}": invalid syntax'
    return f'type mismatch for field "{name}"'


def _not_an_option(name: str, kind: Any, value: object, text: bool) -> str:
    options = " ".join(map(str, get_args(kind)))
    if text:
        return f'value "{value}" for field "{name}" is not defined in options "[{options}]"'
    return f'error: value "{value}" is not defined in options "[{options}]"'


_PARSERS = {int: "ParseInt", float: "ParseFloat"}


def _parser(kind: Any) -> str:
    """The function of Go that reads a number; that for unsigned ones is known by the lower bound."""
    low = [rule.ge for rule in get_args(kind)[1:] if get_origin(kind) is Annotated and hasattr(rule, "ge")]
    return "ParseUint" if low == [0] else _PARSERS[bare(kind)]
