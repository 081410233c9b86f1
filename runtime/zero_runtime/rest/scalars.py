"""Go's types as types that msgspec checks."""

import datetime
import decimal
from typing import Annotated

from msgspec import Meta

from zero_runtime.explain import AtMost

Int8 = Annotated[int, Meta(ge=-(2**7), le=2**7 - 1)]
Int16 = Annotated[int, Meta(ge=-(2**15), le=2**15 - 1)]
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Uint8 = Annotated[int, Meta(ge=0, le=2**8 - 1)]
Uint16 = Annotated[int, Meta(ge=0, le=2**16 - 1)]
Uint32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Uint64 = Annotated[int, Meta(ge=0), AtMost(2**64 - 1)]

Time = Annotated[datetime.datetime, Meta(tz=True)]
"""A point in time, RFC 3339 in text; of Go's nanoseconds the microseconds remain."""

Decimal = decimal.Decimal
"""A decimal number of any length; a string in JSON, and read from numbers too."""
