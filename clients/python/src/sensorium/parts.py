"""What can be searched with."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias, TypeGuard

from .models import Hit, Item, Point, Uploaded

File: TypeAlias = "os.PathLike[str] | bytes | BinaryIO"
"""A file by its path (`pathlib.Path`), its content, or open for reading bytes."""

Source: TypeAlias = "str | File | Hit | Item | Point | Uploaded"
"""One thing to search with.

A `str` is a text, or an item where it is the id of one (`b3:` and 64 hexadecimal digits). Files are uploaded, and their content decides
what they are. Hits, items and points stand for their items.
"""

Query: TypeAlias = "Source | Part | Iterable[Source | Part]"
"""One part or several."""

ItemLike: TypeAlias = "str | Hit | Item | Point"
"""An item, or its id."""

_ID = re.compile(r"b3:[0-9a-f]{64}")


@dataclass(frozen=True)
class Part:
    """A part of a query that has a weight, or that answers shall be unlike.

    `Part("boat", weight=2)` counts twice as much as a part without a weight.
    """

    what: Source
    weight: float = 1.0
    without: bool = False


def without(what: Source, weight: float = 1.0) -> Part:
    """What answers shall be unlike."""
    return Part(what, weight=weight, without=True)


def parts_of(query: Query) -> list[Part]:
    """The parts of `query`, in their order."""
    if isinstance(query, Part) or _is_source(query):
        return [_part(query)]
    if not isinstance(query, Iterable):
        raise _unknown(query)
    parts = [_part(part) for part in query]
    if not parts:
        raise ValueError("a query needs a part at least")
    return parts


def is_file(what: object) -> TypeGuard[File]:
    """Whether `what` has to be uploaded."""
    return isinstance(what, (bytes, os.PathLike)) or hasattr(what, "read")


def item_of(what: object) -> str | None:
    """The id of the item that `what` stands for, if it stands for one."""
    if isinstance(what, (Hit, Item, Point)):
        return what.item
    return what if isinstance(what, str) and _ID.fullmatch(what) else None


def item_id(item: ItemLike) -> str:
    """The id of an item; what is no id is left to the server to say."""
    return item if isinstance(item, str) else item.item


def _is_source(what: object) -> TypeGuard[Source]:
    return isinstance(what, (str, Hit, Item, Point, Uploaded)) or is_file(what)


def _part(given: object) -> Part:
    part = given if isinstance(given, Part) else None
    what = part.what if part else given
    if not _is_source(what):
        raise _unknown(what)
    return part or Part(what)


def _unknown(what: object) -> TypeError:
    return TypeError(f"{type(what).__name__} is nothing to search with: texts, paths, bytes, open files and items are")
