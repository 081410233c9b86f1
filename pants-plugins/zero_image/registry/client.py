"""HTTP with one registry (opencontainers/distribution-spec): rights, attempts, what its errors mean."""

from __future__ import annotations

import json
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any, TypeVar

from zero_image.errors import ImageError
from zero_image.registry.credentials import DOCKER_HUB, Credentials, find_credentials

HOST = r"[\w-]+(?:\.[\w-]+)+(?::\d+)?|localhost(?::\d+)?|[\w-]+:\d+"
"""A registry's host in a reference: it has a dot or a port, or is ``localhost``."""

NAME = r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*"
"""A repository's name in its registry."""

_LOOPBACK = re.compile(r"(localhost|127(\.\d+){3})(:\d+)?")
_API_HOSTS = {DOCKER_HUB: "registry-1.docker.io"}
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_TIMEOUT = 60.0  # seconds without a byte
_ATTEMPTS = 3
_PAUSE = 1.0  # seconds before the second attempt, twice as many before the third
_BUSY = 429

Opener = Callable[[], AbstractContextManager[IO[bytes]]]
"""Opens what a request sends; again for each attempt."""

T = TypeVar("T")


class Registry:
    """A registry, spoken to with the rights of a docker configuration, or anonymously."""

    def __init__(
        self, host: str, scopes: Iterable[str], docker_config: Path | None, *, plain_http: bool = False
    ) -> None:
        """``scopes`` are the rights to ask for, ``repository:NAME:pull``; all but the first are optional."""
        # As docker does: plain HTTP only to this very machine, or where it is said.
        self._scheme = "http" if plain_http or _LOOPBACK.fullmatch(host) else "https"
        self._address = _API_HOSTS.get(host, host)
        self._host = host
        self._scopes = list(scopes)
        self._docker_config = docker_config
        self._credentials = find_credentials(docker_config, host) if docker_config else Credentials()
        self._authorization = ""

    def url(self, path: str) -> str:
        """The address of what stands below ``/v2/``."""
        return f"{self._scheme}://{self._address}/v2/{path}"

    def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Opener | None = None,
    ) -> HTTPResponse:
        """One request, and another one with credentials if the registry asks for them."""
        sent_with = self._authorization
        try:
            return self._send(method, url, headers or {}, body)
        except urllib.error.HTTPError as error:
            challenge = error.headers.get("WWW-Authenticate", "")
            if error.code != 401 or not challenge:
                raise
            self._authorization = self._answer(challenge)
            # A token may have run out; but what is refused twice with the same is refused.
            if self._authorization == sent_with:
                raise
        return self._send(method, url, headers or {}, body)

    def follow(self, url: str, location: str) -> str:
        """Where the answer to a request at ``url`` sends to, by its ``Location``.

        Behind a proxy that ends TLS a registry may give addresses of plain HTTP.
        """
        found = urllib.parse.urljoin(url, location)
        parts = urllib.parse.urlsplit(found)
        if parts.netloc == self._address:
            parts = parts._replace(scheme=self._scheme)
        if parts.scheme != "https" and self._scheme == "https":
            raise ImageError(f"{url}: the registry sends to {found}, which is not safe")
        return parts.geturl()

    def attempt(self, where: str, action: Callable[[], T]) -> T:
        """What ``action`` gives, which is begun again where the registry or the network stumbles."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return action()
            except Corrupt as error:
                problem = ImageError(str(error))
            except urllib.error.HTTPError as error:
                problem = ImageError(f"{where}: {error}{_told(error)}", hint=self._hint(error))
                if error.code < 500 and error.code != _BUSY:
                    break
            except (OSError, HTTPException) as error:
                reason = getattr(error, "reason", error)
                problem = ImageError(f"{where}: {reason}", hint=self._hint(error))
            if attempt < _ATTEMPTS:
                time.sleep(_PAUSE * attempt)
        raise problem

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Opener | None,
    ) -> HTTPResponse:
        with body() if body else nullcontext() as stream:
            request = urllib.request.Request(url, stream, dict(headers), method=method)
            if self._authorization and urllib.parse.urlsplit(url).netloc == self._address:
                # Not sent on to where a registry redirects, which is another host's storage.
                request.add_unredirected_header("Authorization", self._authorization)
            return _open(request)

    def _answer(self, challenge: str) -> str:
        """The Authorization that a registry's 401 asks for: Basic, or a token from the server it names."""
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic":
            return f"Basic {self._credentials.basic}"
        parameters = dict(_CHALLENGE.findall(rest))
        realm = parameters.get("realm", "")
        server = urllib.parse.urlsplit(realm)
        if server.scheme != "https" and not (server.scheme == "http" and _LOOPBACK.fullmatch(server.netloc)):
            raise ImageError(
                f"{self.url('')}: the registry names {realm!r} for tokens, which is not safe to ask"
            )
        service = parameters.get("service", "")
        try:
            return self._token(realm, service, self._scopes)
        except urllib.error.HTTPError:
            if len(self._scopes) == 1:
                raise
            return self._token(realm, service, self._scopes[:1])

    def _token(self, realm: str, service: str, scopes: list[str]) -> str:
        query: list[tuple[str, str]] = [("service", service), *(("scope", scope) for scope in scopes)]
        if self._credentials.identity:
            form = {
                "grant_type": "refresh_token",
                "service": service,
                "scope": " ".join(scopes),
                "client_id": "zero",
                "refresh_token": self._credentials.identity,
            }
            request = urllib.request.Request(realm, urllib.parse.urlencode(form).encode())
        else:
            request = urllib.request.Request(f"{realm}?{urllib.parse.urlencode(query)}")
            if self._credentials.basic:
                request.add_unredirected_header("Authorization", f"Basic {self._credentials.basic}")
        with _open(request) as response:
            try:
                answer = json.load(response)
                return f"Bearer {answer.get('token') or answer['access_token']}"
            except (ValueError, LookupError, AttributeError):
                raise ImageError(f"{realm}: the answer is not a token") from None

    def _hint(self, error: Exception) -> str:
        if isinstance(error, urllib.error.HTTPError):
            if error.code not in (401, 403):
                return ""
            if self._credentials:
                return f"the account that {self._docker_config} has for {self._host} may not do this"
            if self._docker_config:
                nothing = f"{self._docker_config} has nothing for {self._host}"
                why = f" ({self._credentials.problem})" if self._credentials.problem else ""
                return f"{nothing}{why}: run `docker login {self._host}`"
            return "name docker's config.json, which `docker login` writes, with --docker-config"
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            return f"the certificate of {self._host} is of no authority that this machine trusts"
        if isinstance(reason, ssl.SSLError):
            return f"if {self._host} speaks plain HTTP, name it in `[zero].insecure_registries`"
        return f"is {self._host} the registry, and can this machine reach it?"


class Corrupt(Exception):
    """What came is not what its digest says; worth another attempt."""


def _open(request: urllib.request.Request) -> HTTPResponse:
    response: HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT)
    return response


def _told(error: urllib.error.HTTPError) -> str:
    """What a registry says in the body of an error, in the specification's form."""
    try:
        errors: list[dict[str, Any]] = json.loads(error.read(1 << 16))["errors"]
        return "".join(f": {one.get('message') or one['code']}" for one in errors)
    except (OSError, HTTPException, ValueError, LookupError, TypeError, AttributeError):
        return ""
