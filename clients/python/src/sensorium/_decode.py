"""From JSON to the dataclasses of `models`."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timezone
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from .errors import BadAnswer

T = TypeVar("T")


def decode(kind: type[T], value: object) -> T:
    """`value`, which came as JSON, as an instance of the dataclass `kind`; fields that it does not know are left out."""
    try:
        decoded: T = _dataclass(kind, value)
    except (TypeError, ValueError) as error:
        raise BadAnswer(
            f"the server's answer cannot be read as {kind.__name__}: {error}; its version and the client's may be too far apart"
        ) from error
    return decoded


Fields = tuple[tuple[str, Any, bool], ...]
"""Name, type and whether it must be there, of all fields of a dataclass."""

_KNOWN: dict[type[Any], Fields] = {}


def _fields(kind: type[Any]) -> Fields:
    if kind not in _KNOWN:
        hints = get_type_hints(kind)
        needed = [(field.name, field.default is MISSING) for field in fields(kind)]
        _KNOWN[kind] = tuple((name, hints[name], is_needed) for name, is_needed in needed)
    return _KNOWN[kind]


def _dataclass(kind: type[Any], value: object) -> Any:
    if not isinstance(value, Mapping):
        raise TypeError(f"{kind.__name__} is no object")
    given = {}
    for name, hint, is_needed in _fields(kind):
        if value.get(name) is not None:
            given[name] = _value(hint, value[name])
        elif is_needed:
            raise TypeError(f"{kind.__name__} has no {name}")
    return kind(**given)


def _value(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        (hint,) = (inner for inner in get_args(hint) if inner is not type(None))
        return _value(hint, value)
    if origin is tuple:
        if not isinstance(value, list):
            raise TypeError(f"{value!r} is no list")
        inner = get_args(hint)[0]
        return tuple(_value(inner, element) for element in value)
    if origin is Literal:
        # A later server may have further values.
        return _value(str, value)
    if origin is not None:
        return _mapping(get_args(hint)[1], value)
    if is_dataclass(hint):
        return _dataclass(hint, value) if isinstance(hint, type) else value
    if hint is datetime:
        return moment(_value(str, value))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is not Any and (not isinstance(value, hint) or (hint is int and isinstance(value, bool))):
        raise TypeError(f"{value!r} is no {hint.__name__}")
    return value


def _mapping(inner: Any, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no object")
    return {name: _value(inner, element) for name, element in value.items()}


def moment(text: str) -> datetime:
    """A time as in RFC 3339, whose nanoseconds are cut off."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    if found is None:
        raise ValueError(f"{text!r} is no time")
    seconds, fraction, zone = found.groups(default="")
    micro = fraction[:6].ljust(6, "0")
    zone = "+00:00" if zone == "Z" else zone
    return datetime.fromisoformat(f"{seconds}.{micro}{zone}").astimezone(timezone.utc)
