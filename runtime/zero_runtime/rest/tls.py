"""TLS on the side of the server."""

from __future__ import annotations

import ssl

from zero_runtime.config import InvalidValue


def server_context(cert_file: str, key_file: str) -> ssl.SSLContext | None:
    """What speaks TLS with this certificate and key; None without them.

    Raises InvalidValue when they are of no use.
    """
    if not cert_file:
        return None
    for key, file in (("CertFile", cert_file), ("KeyFile", key_file)):
        try:
            with open(file, "rb"):
                pass
        except OSError as error:
            raise InvalidValue(f"{key}: {file}: {(error.strerror or str(error)).lower()}") from None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert_file, key_file, password="")  # else it is asked for on the terminal
    except ssl.SSLError as error:
        reason = error.reason and error.reason.lower().replace("_", " ")
        what = reason or "expected a certificate and its key, in PEM and without a password"
        raise InvalidValue(f"CertFile and KeyFile: {what}") from None
    return context
