"""The configuration of jobs."""

from __future__ import annotations

from zero_runtime.config.redis import RedisConf
from zero_runtime.config.service import ServiceConf


class JobConf(ServiceConf, kw_only=True, frozen=True):
    """What every job has."""

    redis: RedisConf = RedisConf()
    """What rows of cached tables are kept in."""

    @property
    def has_dev_server(self) -> bool:
        """Only if that is said: most runs are over before anybody asks."""
        return self.dev_server.enabled is True
