"""The OpenAPI document of the server, and what kinds of values it and the client's types speak of, in the same words."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import httpx

from .serving import server

SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean", datetime: "date-time", Any: "any"}


@cache
def document() -> dict[str, Any]:
    """The document, which needs no key."""
    answer = httpx.get(f"{server().url}/api/v1/openapi.json", trust_env=False)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def schemas() -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["schemas"]
    return found


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each operation."""
    paths: dict[str, dict[str, Any]] = document()["paths"]
    return {
        about["operationId"]: (method.upper(), path, about) for path, methods in paths.items() for method, about in methods.items()
    }


Properties = dict[str, tuple[str, bool]]
"""The kind of each property or field, and whether it must be there. What may be null is `kind?`."""


def of_schema(schema: dict[str, Any]) -> Properties:
    """The properties of an object; those of all parts of an `allOf`, of which a null one takes nothing away but that it must be there."""
    if "$ref" in schema:
        return of_schema(schemas()[schema["$ref"].rsplit("/", 1)[1]])
    if "oneOf" in schema:
        (inner,) = (option for option in schema["oneOf"] if option.get("type") != "null")
        return {name: (_nullable(kind), False) for name, (kind, _) in of_schema(inner).items()}
    found: Properties = {}
    for part in schema.get("allOf", ()):
        found |= of_schema(part)
    needed = schema.get("required", ())
    return found | {name: (_schema_kind(inner), name in needed) for name, inner in schema.get("properties", {}).items()}


def of_dataclass(kind: type[Any], called: Mapping[type[Any], str]) -> Properties:
    """The fields of a dataclass; `called` has the names of schemas that differ from those of their dataclasses."""
    hints = get_type_hints(kind)
    return {field.name: (_hint_kind(hints[field.name], called), field.default is MISSING) for field in fields(kind)}


def _schema_kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        named = schemas()[name]
        return name if named.get("type", "object") == "object" else _schema_kind(named)
    if "oneOf" in schema:
        kinds = [_schema_kind(option) for option in schema["oneOf"] if option.get("type") != "null"]
        kind = " or ".join(kinds)
        return _nullable(kind) if len(kinds) < len(schema["oneOf"]) else kind
    if "enum" in schema:
        return _choice(schema["enum"])
    kinds = schema["type"]
    if isinstance(kinds, list):
        (kind,) = (kind for kind in kinds if kind != "null")
        return _nullable(_schema_kind({**schema, "type": kind}))
    if kinds == "array":
        return f"list of {_schema_kind(schema['items'])}"
    if kinds == "object":
        values = schema.get("additionalProperties")
        return f"map to {_schema_kind(values) if values else 'any'}"
    return "date-time" if schema.get("format") == "date-time" else str(kinds)


def _hint_kind(hint: Any, called: Mapping[type[Any], str]) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (hint,) = (option for option in inner if option is not type(None))
        return _nullable(_hint_kind(hint, called))
    if origin is tuple:
        return f"list of {_hint_kind(inner[0], called)}"
    if origin is Literal:
        return _choice(inner)
    if origin is not None:
        return f"map to {_hint_kind(inner[1], called)}"
    if is_dataclass(hint) and isinstance(hint, type):
        return called.get(hint, hint.__name__)
    return SCALARS[hint]


def _nullable(kind: str) -> str:
    return kind if kind.endswith("?") else f"{kind}?"


def _choice(values: Any) -> str:
    return "one of " + ", ".join(sorted(values))
