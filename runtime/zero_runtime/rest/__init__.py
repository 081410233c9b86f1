"""HTTP: what generated code binds requests, answers, serves and calls with."""

from zero_runtime.errors import HttpError
from zero_runtime.rest.app import App
from zero_runtime.rest.binding import Binder, Body
from zero_runtime.rest.content import Content, content_response, resource
from zero_runtime.rest.encoding import Encoder
from zero_runtime.rest.files import File, static
from zero_runtime.rest.form import Upload
from zero_runtime.rest.jwt import Jwt, JwtTransition, Token, any_of
from zero_runtime.rest.message import (
    Claims,
    Endpoint,
    Middleware,
    Request,
    Response,
    Stream,
    empty_response,
    json_response,
)
from zero_runtime.rest.pipeline import Options
from zero_runtime.rest.routing import Group, Route, Verifier
from zero_runtime.rest.rules import AS_STRING, INHERIT, OMIT_EMPTY, Env, With, Without
from zero_runtime.rest.scalars import (
    Decimal,
    Int8,
    Int16,
    Int32,
    Int64,
    Time,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
)
from zero_runtime.rest.server import Server
from zero_runtime.rest.signature import Signature
from zero_runtime.rest.sse import event_stream
from zero_runtime.rest.transport import Call, Transport

__all__ = [
    "AS_STRING",
    "INHERIT",
    "OMIT_EMPTY",
    "App",
    "Binder",
    "Body",
    "Call",
    "Claims",
    "Content",
    "Decimal",
    "Encoder",
    "Endpoint",
    "Env",
    "File",
    "Group",
    "HttpError",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Jwt",
    "JwtTransition",
    "Middleware",
    "Options",
    "Request",
    "Response",
    "Route",
    "Server",
    "Signature",
    "Stream",
    "Time",
    "Token",
    "Transport",
    "Uint8",
    "Uint16",
    "Uint32",
    "Uint64",
    "Upload",
    "Verifier",
    "With",
    "Without",
    "any_of",
    "content_response",
    "empty_response",
    "event_stream",
    "json_response",
    "resource",
    "static",
]
