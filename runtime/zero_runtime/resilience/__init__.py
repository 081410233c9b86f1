"""What keeps a service alive under faults and load, for HTTP and gRPC alike, and for logic.

`Governor` puts it together for the methods of a service as its configuration says; the parts stand for
themselves. Each says where its formula comes from, and takes its time from a clock that it is given.
"""

from zero_runtime.resilience.breaker import Breaker
from zero_runtime.resilience.concurrency import ConcurrencyLimit
from zero_runtime.resilience.cpu import LoadMeter
from zero_runtime.resilience.governor import Entry, Governor, Guard
from zero_runtime.resilience.period_limit import PeriodLimit, Quota, Usage
from zero_runtime.resilience.rejection import Reason, Rejected
from zero_runtime.resilience.shedder import Shedder
from zero_runtime.resilience.single_flight import SingleFlight
from zero_runtime.resilience.token_limit import TokenLimit
from zero_runtime.resilience.window import RollingWindow

__all__ = [
    "Breaker",
    "ConcurrencyLimit",
    "Entry",
    "Governor",
    "Guard",
    "LoadMeter",
    "PeriodLimit",
    "Quota",
    "Reason",
    "Rejected",
    "RollingWindow",
    "Shedder",
    "SingleFlight",
    "TokenLimit",
    "Usage",
]
