"""The configuration of etcd, the registry of a fleet."""

from __future__ import annotations

from typing import Annotated

import msgspec

from zero_runtime.config.base import Conf


class EtcdConf(Conf, kw_only=True, frozen=True):
    """``Etcd``: the registry; none unless ``Hosts`` names some."""

    hosts: list[Annotated[str, msgspec.Meta(pattern=r"^[^/\s]+:[0-9]{1,5}\Z", description="`host:port`")]] = (
        msgspec.field(default_factory=list)
    )
    """Its members, ``host:port`` each."""

    key: str = ""
    """What a service is registered under, and looked for; of a server, if empty, its ``Name``."""

    id: Annotated[int, msgspec.Meta(ge=0)] = msgspec.field(default=0, name="ID")
    """Of a server, the last part of its entry; if 0, the id of its lease."""

    user: str = ""
    pass_: str = msgspec.field(default="", name="Pass")
    cert_file: str = ""
    """A certificate to show, with its chain, in PEM."""

    cert_key_file: str = ""
    """The private key of that certificate, in PEM."""

    ca_cert_file: str = msgspec.field(default="", name="CACertFile")
    """Who signs the certificates of the members, in PEM; given, they are spoken to in TLS."""

    insecure_skip_verify: bool = False
    """Must be false: gRPC for Python verifies every certificate. Files of go-zero may have the key."""

    def __post_init__(self) -> None:
        if bool(self.cert_file) != bool(self.cert_key_file):
            raise ValueError("only one of CertFile and CertKeyFile is given")
        if bool(self.user) != bool(self.pass_):
            raise ValueError("only one of User and Pass is given")
        if self.insecure_skip_verify:
            raise ValueError(
                "gRPC verifies every certificate, so InsecureSkipVerify must be false: "
                "name who signed them, or the certificate itself, as CACertFile"
            )
