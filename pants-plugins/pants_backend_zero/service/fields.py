"""What the fields of `zero_service` share."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, Mapping, Optional

from pants.engine.addresses import Address, UnparsedAddressInputs
from pants.engine.target import (
    Field,
    IntField,
    InvalidFieldException,
    InvalidFieldTypeException,
)
from pants.util.frozendict import FrozenDict


def addresses(field: Field, values: tuple[str, ...]) -> UnparsedAddressInputs:
    return UnparsedAddressInputs(
        values,
        owning_address=field.address,
        description_of_origin=f"the `{field.alias}` field of {field.address}",
    )


class PositiveIntField(IntField):
    @classmethod
    def compute_value(cls, raw_value: Optional[int], address: Address) -> Optional[int]:
        value = super().compute_value(raw_value, address)
        if value is not None and value < 1:
            raise InvalidFieldException(
                f"The `{cls.alias}` field of {address} must be at least 1, but was {value}."
            )
        return value


class NestedDictField(Field):
    """A dictionary of strings, numbers, truth values, lists and such dictionaries, kept as given."""

    value: FrozenDict[str, Any]
    default: ClassVar[FrozenDict[str, Any]] = FrozenDict()

    @classmethod
    def compute_value(cls, raw_value: Optional[Dict[str, Any]], address: Address) -> FrozenDict[str, Any]:
        value = super().compute_value(raw_value, address)
        if not isinstance(value, Mapping):
            raise InvalidFieldTypeException(
                address, cls.alias, raw_value, expected_type="a dictionary with string keys"
            )
        return _freeze(value, cls.alias, address)


def _freeze(value: Any, alias: str, address: Address) -> Any:
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return FrozenDict({k: _freeze(v, alias, address) for k, v in value.items()})
    elif isinstance(value, (list, tuple)):
        return tuple(_freeze(v, alias, address) for v in value)
    elif value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise InvalidFieldException(
        f"The `{alias}` field of {address} may hold strings, numbers, True, False, None, lists and dictionaries with "
        f"string keys, but has {value!r}."
    )


def merged(base: Any, over: Any) -> Any:
    """`over` on top of `base`, dictionary by dictionary."""
    if not (isinstance(base, FrozenDict) and isinstance(over, FrozenDict)):
        return over
    return FrozenDict({**base, **{key: merged(base.get(key), value) for key, value in over.items()}})
