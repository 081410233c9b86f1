"""Responses that are no JSON: text, bytes, files and streams."""

from __future__ import annotations

import pkgutil
from collections.abc import AsyncIterator

from zero_runtime.rest.files import File, file_response, with_charset
from zero_runtime.rest.message import Request, Response, Stream

Content = bytes | str | File | AsyncIterator[bytes] | Response
"""What a handler answers with whose contract says which media type it produces."""


async def content_response(request: Request, content: Content, media_type: str) -> Response:
    """``content`` as the answer to ``request``; a file that says what it is keeps its own type."""
    if isinstance(content, Response):
        return content
    if isinstance(content, File):
        return await file_response(request, content, media_type)
    headers = ((b"content-type", with_charset(media_type)),)
    if isinstance(content, str):
        return Response(200, content.encode(), headers)
    if isinstance(content, bytes):
        return Response(200, content, headers)
    return Stream(200, headers=headers, chunks=content)


def resource(module: str, name: str) -> bytes:
    """A file beside a module, also of one that is in an archive. Raises FileNotFoundError."""
    content = pkgutil.get_data(module, name)
    if content is None:
        raise FileNotFoundError(f"{name} is not beside {module}")
    return content
