"""What requests carry, and where files from answers go."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from ._http import Body
from .models import Uploaded
from .parts import File, Part, item_of


def json_body(content: dict[str, Any]) -> Body:
    """A body of JSON, without what is not said."""
    said = {name: value for name, value in content.items() if value is not None}
    return lambda: {"json": said}


def name_of(file: str | File) -> str:
    """What a file is called."""
    if isinstance(file, (str, os.PathLike)):
        return Path(file).name
    name = getattr(file, "name", None)
    return Path(name).name if isinstance(name, str) else "upload"


@contextmanager
def form_body(file: str | File, name: str) -> Iterator[Body]:
    """A form with a file called `name`. A path is read as it is sent, anew in each attempt; an open file is read first."""
    if not isinstance(file, (str, os.PathLike)):
        content = file if isinstance(file, bytes) else file.read()
        yield lambda: {"files": {"file": (name, content)}}
        return
    with open(file, "rb") as opened:

        def again() -> dict[str, Any]:
            opened.seek(0)
            return {"files": {"file": (name, opened)}}

        yield again


def part_json(part: Part) -> dict[str, Any]:
    """A part as servers know it; files have been uploaded before."""
    about: dict[str, Any] = {"weight": part.weight, "without": part.without}
    if isinstance(part.what, Uploaded):
        return {"upload": part.what.upload, **about}
    item = item_of(part.what)
    return {"text": part.what, **about} if item is None else {"item": item, **about}


def copy_content(response: httpx.Response, file: BinaryIO) -> int:
    """Writes the content of an answer to `file` as it comes; returns how many bytes it were."""
    return sum(file.write(chunk) for chunk in response.iter_bytes())


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of the one at `path` when nothing went wrong."""
    scratch = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with scratch.open("xb") as file:
            yield file
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
