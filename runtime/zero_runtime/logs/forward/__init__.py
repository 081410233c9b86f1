"""Lines of the log to a collector that speaks Fluentd's forward protocol (its specification, version 1)."""

from zero_runtime.logs.forward.forwarder import Forwarder

__all__ = ["Forwarder"]
