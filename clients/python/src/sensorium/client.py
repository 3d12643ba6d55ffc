"""The client."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypeVar
from urllib.parse import quote

import httpx
import numpy as np
from numpy.typing import NDArray

from ._bodies import copy_content, form_body, json_body, name_of, part_json, replacing
from ._decode import decode
from ._events import events
from ._http import RETRIES, Http
from .errors import BadAnswer, JobFailed, TooLarge, Unreachable, Unreadable
from .models import (
    Card,
    Embeddings,
    Found,
    Hit,
    Item,
    Items,
    Job,
    Jobs,
    Line,
    Lines,
    Map,
    Modality,
    Passage,
    Removed,
    Segments,
    Status,
    Uploaded,
    WholeItem,
)
from .parts import File, ItemLike, Part, Query, is_file, item_id, parts_of

DEFAULT_URL = "http://127.0.0.1:7700"

MOST_TEXTS = 64
"""Texts that a server embeds at a time."""

HEARTBEAT = 60.0
"""Seconds without a word from the server, which says something every 15, after which a job is asked for anew."""

AnyPath: TypeAlias = "str | os.PathLike[str]"
Wanted: TypeAlias = "Modality | Iterable[Modality]"

T = TypeVar("T")
Page = TypeVar("Page", Items, Segments, Lines)


class Client:
    """A client of one server.

    >>> with Client() as client:
    ...     for hit in client.search("a red boat").hits:
    ...         print(hit.score, hit.path)

    `url` is $SENSORIUM_URL or http://127.0.0.1:7700 and `key` is $SENSORIUM_KEY unless they are given. `timeout` is how many seconds
    the server may be silent. A request is repeated up to `retries` times while the server is busy. It may be used from several threads.

    What a server does not do is a `SensoriumError`; files of this machine raise `OSError` as they always do.
    """

    def __init__(
        self, url: str | None = None, key: str | None = None, *, timeout: float = 60.0, retries: int = RETRIES
    ) -> None:
        url = url or os.environ.get("SENSORIUM_URL") or DEFAULT_URL
        self._timeout = timeout
        self._http = Http(url, key or os.environ.get("SENSORIUM_KEY"), timeout, retries)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    @property
    def url(self) -> str:
        """The address of the server."""
        return self._http.url

    def close(self) -> None:
        """Ends its connections."""
        self._http.close()

    # Searching

    def search(
        self,
        query: Query,
        *,
        to: Wanted = (),
        where: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        rerank: bool = False,
        moments: bool = False,
        explain: bool = False,
        words: bool = True,
    ) -> Found:
        """What answers `query`: a text, a file, an item, or several of them, with weights (`Part`) or `without` some.

        `to` names the modalities of the answers, all when there are none; `where` is a condition as in `duration > 60`. `limit` is 30 unless
        it is said, 200 at most; `cursor` is `next` of an earlier answer. `rerank` looks at the first answers once more; with `moments`, sounds
        and videos say when they answer; with `explain`, hits say why (50 at most). Without `words`, names and captions do not count.
        """
        question = {
            "parts": self._parts(query),
            "to": _modalities(to),
            "where": where,
            "limit": limit,
            "cursor": cursor,
            "rerank": rerank,
            "moments": moments,
            "explain": explain,
            "words": words,
        }
        return self._post(Found, "/search", question)

    def iter_search(
        self,
        query: Query,
        *,
        to: Wanted = (),
        where: str | None = None,
        page: int | None = None,
        rerank: bool = False,
        moments: bool = False,
        explain: bool = False,
        words: bool = True,
    ) -> Iterator[Hit]:
        """All hits, the best first, asked for in pages of `page`; a server gives 2000 at most. Files are uploaded once."""
        parts = [self._uploaded(part) for part in parts_of(query)]
        cursor: str | None = None
        while True:
            found = self.search(
                parts,
                to=to,
                where=where,
                limit=page,
                cursor=cursor,
                rerank=rerank,
                moments=moments,
                explain=explain,
                words=words,
            )
            yield from found.hits
            cursor = found.next
            if cursor is None:
                return

    def similar(self, item: ItemLike, *, to: Wanted = (), limit: int | None = None) -> Found:
        """What is like an item of the index; it is no answer itself."""
        wanted = ",".join(_modalities(to)) or None
        return self._get(Found, f"/items/{_name(item)}/similar", to=wanted, limit=limit)

    def upload(self, file: str | File, *, name: str | None = None) -> Uploaded:
        """Sends a file to be searched with several times. Its content decides what it is; of a text, the ending of `name` says how it is
        written. The server keeps its vectors for an hour and nothing else. A path is sent as it is read, an open file is read first.
        """
        called = name or name_of(file)
        with form_body(file, called) as form:
            try:
                return decode(Uploaded, self._http.json("POST", "/uploads", body=form))
            except (TooLarge, Unreadable) as error:
                raise type(error)(f"{called}: {error.detail}", status=error.status, title=error.title) from None

    def embed(self, texts: str | Iterable[str]) -> NDArray[np.float32]:
        """The vectors of texts in the model's space, as an array of shape (texts, dimension)."""
        texts = [texts] if isinstance(texts, str) else list(texts)
        if not texts:
            raise ValueError("there are no texts to embed")
        batches = [texts[start : start + MOST_TEXTS] for start in range(0, len(texts), MOST_TEXTS)]
        return np.concatenate([self._embedded(batch) for batch in batches])

    def _embedded(self, texts: list[str]) -> NDArray[np.float32]:
        answer = self._post(Embeddings, "/embed", {"texts": texts, "encoding": "base64"})
        try:
            rows = [np.frombuffer(base64.b64decode(vector), dtype="<f4") for vector in answer.vectors]
            return np.stack(rows).astype(np.float32).reshape(len(texts), answer.dimension)
        except ValueError as error:
            raise BadAnswer(f"the server's vectors cannot be read: {error}") from error

    # Items

    def item(self, item: ItemLike) -> WholeItem:
        """What is known of an item."""
        return self._get(WholeItem, f"/items/{_name(item)}")

    def items(
        self, *, modality: Wanted = (), where: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Items:
        """A page of the items of the index, the last indexed first; `limit` is 100 unless it is said, 500 at most."""
        wanted = ",".join(_modalities(modality)) or None
        return self._get(Items, "/items", modality=wanted, where=where, limit=limit, cursor=cursor)

    def iter_items(self, *, modality: Wanted = (), where: str | None = None, page: int | None = None) -> Iterator[Item]:
        """All items, asked for in pages of `page`."""
        pages = _pages(lambda cursor: self.items(modality=modality, where=where, limit=page, cursor=cursor))
        return (item for found in pages for item in found.items)

    def segments(self, item: ItemLike, *, limit: int | None = None, cursor: str | None = None) -> Segments:
        """A page of the parts of an item that have vectors; `limit` is 100 unless it is said, 1000 at most."""
        return self._get(Segments, f"/items/{_name(item)}/segments", limit=limit, cursor=cursor)

    def iter_segments(self, item: ItemLike, *, page: int | None = None) -> Iterator[Passage]:
        """All parts of an item, asked for in pages of `page`."""
        pages = _pages(lambda cursor: self.segments(item, limit=page, cursor=cursor))
        return (segment for found in pages for segment in found.segments)

    def lines(self, item: ItemLike, *, limit: int | None = None, cursor: str | None = None) -> Lines:
        """A page of what is said in an item, then of what is to be read in it, line by line; `limit` is 1000 unless it is said, and at most."""
        return self._get(Lines, f"/items/{_name(item)}/lines", limit=limit, cursor=cursor)

    def iter_lines(self, item: ItemLike, *, page: int | None = None) -> Iterator[Line]:
        """All lines of an item, asked for in pages of `page`."""
        pages = _pages(lambda cursor: self.lines(item, limit=page, cursor=cursor))
        return (line for found in pages for line in found.lines)

    def map(self, *, limit: int | None = None) -> Map:
        """The collection on a plane; 5000 points unless it is said, 20000 at most."""
        return self._get(Map, "/map", limit=limit)

    # Files

    def media(self, item: ItemLike, *, start: int = 0, end: int | None = None) -> bytes:
        """The file of an item, or its bytes from `start` up to `end`, which is not part of them; of a record, its text."""
        if start < 0 or (end is not None and end <= start):
            raise ValueError(f"there are no bytes from {start} up to {end}")
        if start == 0 and end is None:
            return self._bytes(f"/items/{_name(item)}/media")
        asked = {"range": f"bytes={start}-" + ("" if end is None else str(end - 1))}
        with self._http.stream("GET", f"/items/{_name(item)}/media", headers=asked) as response:
            content = response.read()
        # Records have no ranges.
        return content if response.status_code == httpx.codes.PARTIAL_CONTENT else content[start:end]

    def save_media(self, item: ItemLike, to: AnyPath | BinaryIO) -> int:
        """Writes the file of an item to a path, which it then has whole or not at all, or to an open file; returns its size in bytes."""
        with self._http.stream("GET", f"/items/{_name(item)}/media") as response:
            if isinstance(to, (str, os.PathLike)):
                with replacing(Path(to)) as file:
                    return copy_content(response, file)
            return copy_content(response, to)

    def thumbnail(self, item: ItemLike, *, size: int | None = None, at: float | None = None) -> bytes:
        """A small JPEG of a picture, or of a video at a time in seconds; `size` is that of the longer side, 320 unless it is said."""
        return self._bytes(f"/items/{_name(item)}/thumbnail", size=size, at=at)

    def waveform(self, item: ItemLike, *, width: int | None = None) -> bytes:
        """The waveform of a sound or a video, a white drawing in SVG, in `width` steps, 800 unless it is said."""
        return self._bytes(f"/items/{_name(item)}/waveform", width=width)

    def preview(self, item: ItemLike, *, timeout: float = 300.0) -> bytes:
        """A copy of an item that browsers show or play: JPEG, MP4 or MP3. It may have to be made, for which `timeout` seconds are waited."""
        until = time.monotonic() + timeout
        while True:
            response = self._http.answer("GET", f"/items/{_name(item)}/preview")
            if response.status_code != httpx.codes.ACCEPTED:
                return response.content
            if time.monotonic() >= until:
                raise Unreachable(f"the copy was not made within {timeout:g} seconds: ask again later")
            time.sleep(1.0)

    # Indexing

    def index(
        self,
        paths: AnyPath | Iterable[AnyPath] | None = None,
        *,
        wait: bool = True,
        progress: Callable[[Job], None] | None = None,
    ) -> Job:
        """Adds and updates files and folders of the server's machine, or without `paths` all files that the index knows.

        Paths that are not absolute start from the current folder when the server is on this machine. `progress` is called with the job at
        each change. Without `wait`, the job is given back when it has only been queued; it goes on whatever the client does (see `follow`).
        What could not be read is in the report. Raises `JobFailed` when the job failed.
        """
        queued = self._post(Job, "/jobs", {"paths": [] if paths is None else self._paths(paths)})
        if not wait:
            return queued
        job = queued
        for job in self.follow(queued):
            if progress:
                progress(job)
        if job.state == "failed":
            raise JobFailed(job)
        return job

    def follow(self, job: Job | str) -> Iterator[Job]:
        """The job at each change until it is over."""
        path = f"/jobs/{_job(job)}/events"
        broke_off = 0
        while True:
            try:
                with self._http.stream("GET", path, timeout=max(self._timeout, HEARTBEAT)) as response:
                    for name, data in events(response.iter_bytes()):
                        if name != "job":
                            continue
                        now = decode(Job, _parsed(data))
                        broke_off = 0
                        yield now
                        if now.is_over:
                            return
                reason = Unreachable(f"{self.url} does not tell any more how job {_job(job)} goes on")
            except Unreachable as error:
                reason = error
            # The job goes on without a listener.
            broke_off += 1
            if broke_off > 3:
                raise reason
            time.sleep(1.0)

    def jobs(self) -> tuple[Job, ...]:
        """All jobs since the server was started, the last first."""
        return self._get(Jobs, "/jobs").jobs

    def job(self, job: Job | str) -> Job:
        """A job as it is by now."""
        return self._get(Job, f"/jobs/{_job(job)}")

    def cancel(self, job: Job | str) -> Job:
        """Ends a job after the files at hand; what was done stays."""
        return decode(Job, self._http.json("DELETE", f"/jobs/{_job(job)}"))

    def remove(self, paths: AnyPath | Iterable[AnyPath]) -> int:
        """Forgets the files at and below paths, which stay where they are; returns how many it were."""
        return self._post(Removed, "/remove", {"paths": self._paths(paths)}).removed

    def _paths(self, paths: AnyPath | Iterable[AnyPath]) -> list[str]:
        given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
        if not given:
            raise ValueError("there are no paths")
        texts = [os.fspath(path) for path in given]
        return [os.path.abspath(text) for text in texts] if self._http.is_local else texts

    # The server

    def status(self) -> Status:
        """What the server is and what its index holds."""
        return self._get(Status, "/status")

    def card(self) -> Card:
        """How well the model finds what belongs together, if the server was given a recall card."""
        answer = self._http.json("GET", "/card")
        if not isinstance(answer, dict):
            raise BadAnswer("the server's recall card cannot be read")
        figures = {name: value for name, value in answer.items() if name != "plots"}
        return decode(Card, {"plots": answer.get("plots"), "figures": figures})

    def plot(self, name: str) -> bytes:
        """A plot of the recall card, in SVG."""
        return self._bytes(f"/card/{quote(name, safe='')}")

    # What these have in common

    def _get(self, kind: type[T], path: str, **query: object) -> T:
        return decode(kind, self._http.json("GET", path, query=query))

    def _post(self, kind: type[T], path: str, content: dict[str, Any]) -> T:
        return decode(kind, self._http.json("POST", path, body=json_body(content)))

    def _bytes(self, path: str, **query: object) -> bytes:
        return self._http.answer("GET", path, query=query).content

    def _parts(self, query: Query) -> list[dict[str, Any]]:
        return [part_json(self._uploaded(part)) for part in parts_of(query)]

    def _uploaded(self, part: Part) -> Part:
        """The part, with the upload in place of a file."""
        return Part(self.upload(part.what), part.weight, part.without) if is_file(part.what) else part


def _modalities(wanted: Wanted) -> list[str]:
    return [wanted] if isinstance(wanted, str) else list(wanted)


def _name(item: ItemLike) -> str:
    """The id of an item as a part of an address."""
    return quote(item_id(item), safe="")


def _job(job: Job | str) -> str:
    return quote(job if isinstance(job, str) else job.id, safe="")


def _pages(ask: Callable[[str | None], Page]) -> Iterator[Page]:
    """All pages, from the first."""
    cursor: str | None = None
    while True:
        page = ask(cursor)
        yield page
        cursor = page.next
        if cursor is None:
            return


def _parsed(data: str) -> object:
    try:
        return json.loads(data)
    except ValueError as error:
        raise BadAnswer(f"the server tells of a job what cannot be read: {error}") from error
