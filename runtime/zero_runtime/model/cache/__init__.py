"""The cache: rows by primary key and unique index, in Redis or in the process. `protocol` says what it
promises, and why that holds."""

from zero_runtime.model.cache.opening import Cache, open_cache
from zero_runtime.model.cache.rows import CachedRows

__all__ = ["Cache", "CachedRows", "open_cache"]
