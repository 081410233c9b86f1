"""``Log``: what is logged, how and where to."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from zero_runtime.config.base import Conf, Port
from zero_runtime.config.durations import Duration
from zero_runtime.config.embedded import Embedded


class FluentdConf(Conf, kw_only=True, frozen=True):
    """``Log.Fluentd``: a collector that speaks Fluentd's forward protocol: Fluentd, Fluent Bit,
    OpenTelemetry's."""

    host: str = ""
    """If empty, nothing is sent."""

    port: Port = 24224
    tag: str = ""
    """What the collector routes by; if empty, the name of the service."""

    key: str = ""
    """The key of a record that has the whole line as text; if empty, the keys of the line are those of the
    record."""

    ack: bool = True
    """Whether what is sent is kept until the collector says that it has it. Without it, what is under way
    when the collector goes is lost."""

    timeout: Duration = msgspec.field(default=Duration(5.0))
    """How long the collector may take to answer, before what was sent is sent again."""

    buffer_bytes: Annotated[int, msgspec.Meta(ge=1 << 16)] = 8 << 20
    """Memory for what waits; beyond it, lines go to the folder ``Spill``, or are dropped and counted."""

    spill: str = ""
    """A folder for what does not fit into the buffer, and for what waits when the service ends; if empty,
    none."""

    spill_bytes: Annotated[int, msgspec.Meta(ge=1 << 16)] = 256 << 20
    """What the folder may hold."""

    shared_key: str = ""
    """The secret that collector and service know; if empty, there is no handshake."""

    user: str = ""
    pass_: str = msgspec.field(default="", name="Pass")
    tls: bool = False
    ca_cert_file: str = msgspec.field(default="", name="CACertFile")
    """Whose certificates are trusted, besides those that the machine trusts."""

    def __post_init__(self) -> None:
        if self.host.count(":") == 1:
            raise ValueError("Host has a port in it, which is a key of its own, Port")
        if bool(self.user) != bool(self.pass_):
            raise ValueError("only one of User and Pass is given")
        if self.user and not self.shared_key:
            raise ValueError(
                "User is given without SharedKey: a collector asks for both, or for the key alone"
            )
        if self.ca_cert_file and not self.tls:
            raise ValueError("CACertFile is given, but Tls is false")
        if self.timeout <= 0:
            raise ValueError("Timeout is 0s: nothing can be sent within it")


class LogConf(Conf, kw_only=True, frozen=True):
    """``Log``: what is logged, and how."""

    level: Literal["debug", "info", "warn", "error", "severe"] = "info"
    """The least severe level that is logged."""

    encoding: Annotated[Literal["json", "plain"], Embedded("plain")] = "json"
    """One JSON object per line for machines, or plain text for a terminal."""

    mode: Literal["console", "file", "volume", "none"] = "console"
    """Stdout; files in ``Path``; the same in a folder of the service and the machine; or nothing but
    ``Fluentd``."""

    path: str = "logs"
    rotation: Literal["daily", "size"] = "daily"
    max_size: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Megabytes after which a file is followed by another, for the rotation ``size``; 0 for no such limit."""

    keep_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Days that files are kept; 0 for ever."""

    max_backups: Annotated[int, msgspec.Meta(ge=0)] = 0
    """How many older files are kept, for the rotation ``size``; 0 for all."""

    compress: bool = False
    """Whether older files are compressed, with gzip."""

    fluentd: FluentdConf = FluentdConf()
