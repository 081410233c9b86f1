"""Configuration: typed, from YAML in go-zero's key names, the environment and embedded defaults."""

from zero_runtime.config.base import DataSource, Port, ServiceName
from zero_runtime.config.database import CacheConf, DatabaseConf
from zero_runtime.config.embedded import Embedded, sqlite_file_of, state_folder
from zero_runtime.config.etcd import EtcdConf
from zero_runtime.config.governance import BreakerConf, GovernedConf, RuleConf, SheddingConf
from zero_runtime.config.job import JobConf
from zero_runtime.config.loader import load
from zero_runtime.config.logs import FluentdConf, LogConf
from zero_runtime.config.problems import ConfigError, InvalidValue, Problem
from zero_runtime.config.redis import RedisConf
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
from zero_runtime.config.rpc import KeepaliveConf, RetryConf, RpcClientConf, RpcServerConf
from zero_runtime.config.service import DevServerConf, ServiceConf, ShutdownConf
from zero_runtime.config.telemetry import PrometheusConf, TelemetryConf

__all__ = [
    "BreakerConf",
    "CacheConf",
    "ConfigError",
    "CorsConf",
    "DataSource",
    "DatabaseConf",
    "DevServerConf",
    "Embedded",
    "EtcdConf",
    "FluentdConf",
    "GovernedConf",
    "GzipConf",
    "InvalidValue",
    "JobConf",
    "JwtConf",
    "JwtTransitionConf",
    "KeepaliveConf",
    "LogConf",
    "Port",
    "PrivateKeyConf",
    "Problem",
    "PrometheusConf",
    "RedisConf",
    "RestConf",
    "RestMiddlewaresConf",
    "RetryConf",
    "RpcClientConf",
    "RpcServerConf",
    "RuleConf",
    "ServiceConf",
    "ServiceName",
    "SheddingConf",
    "ShutdownConf",
    "SignatureConf",
    "TelemetryConf",
    "load",
    "sqlite_file_of",
    "state_folder",
]
