"""Configuration: typed, from YAML in go-zero's key names, the environment and embedded defaults."""

from zero_runtime.config.base import DataSource, Port, ServiceName
from zero_runtime.config.embedded import Embedded, state_folder
from zero_runtime.config.loader import load
from zero_runtime.config.problems import ConfigError, InvalidValue, Problem
from zero_runtime.config.rest import (
    CorsConf,
    GzipConf,
    JwtConf,
    JwtTransitionConf,
    PrivateKeyConf,
    RestConf,
    RestMiddlewaresConf,
    SignatureConf,
)
from zero_runtime.config.rpc import RpcClientConf, RpcServerConf
from zero_runtime.config.service import DevServerConf, LogConf, ServiceConf, ShutdownConf, TelemetryConf

__all__ = [
    "ConfigError",
    "CorsConf",
    "DataSource",
    "DevServerConf",
    "Embedded",
    "GzipConf",
    "InvalidValue",
    "JwtConf",
    "JwtTransitionConf",
    "LogConf",
    "Port",
    "PrivateKeyConf",
    "Problem",
    "RestConf",
    "RestMiddlewaresConf",
    "RpcClientConf",
    "RpcServerConf",
    "ServiceConf",
    "ServiceName",
    "ShutdownConf",
    "SignatureConf",
    "TelemetryConf",
    "load",
    "state_folder",
]
