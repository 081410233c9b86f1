"""TLS on the side of the client, for every transport."""

from __future__ import annotations

import ssl

from zero_runtime.config import InvalidValue, RpcClientConf


def client_context(conf: RpcClientConf) -> ssl.SSLContext | None:
    """What speaks TLS as ``conf`` says; None when it speaks none.

    Raises InvalidValue when a file is of no use.
    """
    if not (conf.tls or conf.ca_cert_file or conf.cert_file):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    if conf.ca_cert_file:
        read("CACertFile", conf.ca_cert_file)
        try:
            context.load_verify_locations(conf.ca_cert_file)
        except ssl.SSLError:
            raise InvalidValue(f"CACertFile: {conf.ca_cert_file}: expected certificates in PEM") from None
    else:
        context.load_default_certs()
    if conf.cert_file:
        read("CertFile", conf.cert_file)
        read("KeyFile", conf.key_file)
        try:
            context.load_cert_chain(conf.cert_file, conf.key_file, password="")  # else it is asked for
        except ssl.SSLError as error:
            reason = error.reason and error.reason.lower().replace("_", " ")
            what = reason or "expected a certificate and its key, in PEM and without a password"
            raise InvalidValue(f"CertFile and KeyFile: {what}") from None
    return context


def read(key: str, file: str) -> bytes:
    """The content of the ``file`` that ``key`` names. Raises InvalidValue."""
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError as error:
        raise InvalidValue(f"{key}: {file}: {(error.strerror or str(error)).lower()}") from None
