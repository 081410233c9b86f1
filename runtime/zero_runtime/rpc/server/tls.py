"""TLS on the side of the server, for every transport."""

from __future__ import annotations

import ssl
from typing import NamedTuple

from zero_runtime.config import InvalidValue, RpcServerConf


class Credentials(NamedTuple):
    """The files that a server proves itself with, and knows its callers by; in PEM."""

    certificate: bytes
    key: bytes
    callers: bytes | None
    """Who signs the certificates of callers; None when they need none."""


def credentials(conf: RpcServerConf) -> Credentials | None:
    """The files that ``conf`` names; None when it speaks no TLS. Raises InvalidValue when they are of no
    use."""
    if server_context(conf) is None:  # it knows whether they are of use, and why not
        return None
    callers = _read("CACertFile", conf.ca_cert_file) if conf.ca_cert_file else None
    return Credentials(_read("CertFile", conf.cert_file), _read("KeyFile", conf.key_file), callers)


def server_context(conf: RpcServerConf) -> ssl.SSLContext | None:
    """What speaks HTTP/2 over TLS as ``conf`` says; None when it speaks no TLS.

    Callers must show a certificate if ``CACertFile`` says who signs them. Raises InvalidValue when a file is
    of no use.
    """
    if not conf.cert_file:
        return None
    _read("CertFile", conf.cert_file)
    _read("KeyFile", conf.key_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    try:
        context.load_cert_chain(
            conf.cert_file, conf.key_file, password=""
        )  # else it is asked for on the terminal
    except ssl.SSLError as error:
        what = _reason(error, "expected a certificate and its key, in PEM and without a password")
        raise InvalidValue(f"CertFile and KeyFile: {what}") from None
    if conf.ca_cert_file:
        _read("CACertFile", conf.ca_cert_file)
        try:
            context.load_verify_locations(conf.ca_cert_file)
        except ssl.SSLError as error:
            raise InvalidValue(
                f"CACertFile: {conf.ca_cert_file}: {_reason(error, 'expected certificates in PEM')}"
            ) from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _read(key: str, file: str) -> bytes:
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError as error:
        raise InvalidValue(f"{key}: {file}: {(error.strerror or str(error)).lower()}") from None


def _reason(error: ssl.SSLError, otherwise: str) -> str:
    return error.reason.lower().replace("_", " ") if error.reason else otherwise
