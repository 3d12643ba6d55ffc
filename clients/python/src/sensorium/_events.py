"""Server-sent events, by the rules of the HTML standard as far as they are used here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def events(chunks: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Name and data of each event in a stream."""
    name, data = "message", list[str]()
    for line in _lines(chunks):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif not line:
            if data:
                yield name, "\n".join(data)
            name, data = "message", []


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines that end with a line feed. Not `str.splitlines`: JSON may hold other characters that this takes for ends of lines."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode("utf-8", errors="replace")
