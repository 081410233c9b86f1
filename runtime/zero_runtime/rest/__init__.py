"""HTTP: what generated code binds requests, answers and serves with."""

from zero_runtime.rest.app import App
from zero_runtime.rest.binding import Binder, Body
from zero_runtime.rest.jwt import Claims, Jwt, Token
from zero_runtime.rest.message import Endpoint, Request, Response, empty_response, json_response
from zero_runtime.rest.problems import problem
from zero_runtime.rest.routing import Route
from zero_runtime.rest.scalars import Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64
from zero_runtime.rest.server import HttpServer, Server

__all__ = [
    "App",
    "Binder",
    "Body",
    "Claims",
    "Endpoint",
    "HttpServer",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Jwt",
    "Request",
    "Response",
    "Route",
    "Server",
    "Token",
    "Uint8",
    "Uint16",
    "Uint32",
    "Uint64",
    "empty_response",
    "json_response",
    "problem",
]
