"""Configuration: typed, from YAML in go-zero's key names, the environment and embedded defaults."""

from zero_runtime.config.embedded import Embedded, state_folder
from zero_runtime.config.loader import load
from zero_runtime.config.problems import ConfigError, InvalidValue, Problem
from zero_runtime.config.structs import (
    DataSource,
    DevServerConf,
    JwtConf,
    LogConf,
    Port,
    RestConf,
    RestMiddlewaresConf,
    RpcClientConf,
    RpcServerConf,
    ServiceConf,
    ServiceName,
    ShutdownConf,
)

__all__ = [
    "ConfigError",
    "DataSource",
    "DevServerConf",
    "Embedded",
    "InvalidValue",
    "JwtConf",
    "LogConf",
    "Port",
    "Problem",
    "RestConf",
    "RestMiddlewaresConf",
    "RpcClientConf",
    "RpcServerConf",
    "ServiceConf",
    "ServiceName",
    "ShutdownConf",
    "load",
    "state_folder",
]
