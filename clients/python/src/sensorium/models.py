"""What a server answers with. The names of the fields are those of its OpenAPI document.

Fields that a server sends and this version does not know are left out.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Modality = Literal["text", "image", "audio", "video"]
"""What kind of medium an item is."""

Track = Literal["text", "visual", "audio"]
"""The sense through which a part of an item is seen; a video has two, all else one."""

Access = Literal["read", "write"]
"""What a client may do: search and look, or index and remove, too."""

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
"""How far a job is."""

Work = Literal["reencoding", "arranging", "transcribing"]
"""What a stage of a job does: bring items into another space, arrange vectors by their neighbours, recognise words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Media:
    """What a file is and says of itself."""

    name: str
    """The last part of its path."""
    format: str
    """As in "JPEG"."""
    bytes: int
    """Its size."""
    width: int | None = None
    """In pixels, of a picture or a video."""
    height: int | None = None
    """In pixels, of a picture or a video."""
    duration: float | None = None
    """In seconds, of a sound or a video."""
    playable: bool
    """Whether most browsers show or play it as it is; else there is `Client.preview`."""
    facts: Mapping[str, Any]
    """What a camera, a player or an author wrote into it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """The part of an item that has a vector of its own."""

    track: Track
    start: float | None = None
    """Where it begins, in seconds, for sound, video and subtitles."""
    end: float | None = None
    """Where it ends, in seconds; it is not part of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage(Segment):
    """A part of an item, with its text."""

    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Line(Segment):
    """A line of words that is said (on the track `audio`) or to be read (on the track `visual`) in an item."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Window(Segment):
    """A part of an item, with its score."""

    score: float
    """0 to 1, on the scale of hits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """A stretch of a sound or a video, in seconds, with its score."""

    start: float
    end: float
    score: float
    """0 to 1, on the scale of hits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A part of a sound or a video that answers a query, in seconds."""

    start: float
    end: float
    peak: float
    """The middle of the stretch that answers best."""
    score: float
    """The score of that, 0 to 1, on the scale of hits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatMap:
    """How much a query looked at each place of a picture."""

    rows: int
    columns: int
    weights: tuple[float, ...]
    """Row by row from the top; the sum is 1."""
    png: str | None = None
    """The picture with the map over it, in base64; see `picture`."""

    def grid(self) -> NDArray[np.float32]:
        """The weights as an array of shape (rows, columns)."""
        return np.array(self.weights, dtype=np.float32).reshape(self.rows, self.columns)

    def picture(self) -> bytes | None:
        """The picture with the map over it, a PNG; of still pictures that can still be read."""
        return None if self.png is None else base64.b64decode(self.png)


@dataclass(frozen=True, kw_only=True, slots=True)
class Glance:
    """How much a query looked at a stretch of time of a sound or a video, in seconds."""

    start: float
    end: float
    weight: float
    """Its share of all that was looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word of a query."""

    word: str
    rank_without: int | None = None
    """The rank that the item would have without the word; `None` when that is far behind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Why an item answers a query."""

    words: tuple[Word, ...] = ()
    windows: tuple[Window, ...] = ()
    """The parts of the item that mattered most, the best first."""
    heat_map: HeatMap | None = None
    attention: tuple[Glance, ...] = ()
    """When the query looked, in a sound or a video, in the order of time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """An item that answers a query."""

    rank: int
    """From 1."""
    score: float
    """How well it answers, 0 to 1: comparable between modalities, and never rising with the rank."""
    confidence: float
    """The probability that the best of as many unrelated items would score less, 0 to 1."""
    similarity: float
    """The inner product of the query with the best segment."""
    item: str
    """The id of the item."""
    path: str
    """Where it is found on the server's machine; the first place when there are several."""
    locations: tuple[str, ...]
    modality: Modality
    segment: Segment
    """Its best segment."""
    text: str | None = None
    """The passage, when it is text."""
    words: tuple[str, ...] = ()
    """The words of the query that it has in its name, folder, caption or text, or that are said or to be read in it."""
    lines: tuple[Line, ...] = ()
    """Where words of the query are said or to be read in it, those with most of them first."""
    moments: tuple[Moment, ...] | None = None
    """When in a sound or a video it answers, the best moment first, where that was asked for."""
    curve: tuple[Stretch, ...] | None = None
    """How well each stretch of a sound or a video answers, where moments were asked for."""
    explain: Evidence | None = None
    """Why it answers, where that was asked for."""
    media: Media


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedPart:
    """A part of a query as the server understood it; one of `text`, `item`, `upload` and `file` is there."""

    text: str | None = None
    item: str | None = None
    upload: str | None = None
    file: str | None = None
    weight: float | None = None
    without: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A query as the server understood it."""

    parts: tuple[AskedPart, ...]
    to: tuple[Modality, ...] = ()
    where: str | None = None
    limit: int | None = None
    cursor: str | None = None
    rerank: bool = False
    moments: bool = False
    explain: bool = False
    words: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The answer to a query."""

    query: Asked
    space: str
    """The space of the model in which it was answered."""
    took_ms: float
    no_match: bool
    """Whether no hit is better than what the best of as many unrelated items would score."""
    elsewhere: int
    """How many items cannot be found, since their vectors are of another space."""
    hits: tuple[Hit, ...]
    """The best first."""
    next: str | None = None
    """The cursor of the hits behind these; `None` when there are none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """An item of the index."""

    item: str
    """Its id."""
    path: str
    """Where it is found on the server's machine; the first place when there are several."""
    locations: tuple[str, ...]
    modality: Modality
    media: Media
    text: str | None = None
    """The beginning of a text."""
    modified: datetime | None = None
    """When its file was last modified."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeItem(Item):
    """An item and what records say of it."""

    fields: Mapping[str, Any]
    """The fields of its record, at the first place."""
    lines_total: int
    """How many lines of words are said and to be read in it; see `Client.lines`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Items:
    """A page of items."""

    items: tuple[Item, ...]
    total: int
    """How many there are in all."""
    next: str | None = None
    """The cursor of the next page; `None` when this is the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segments:
    """A page of the parts of an item."""

    segments: tuple[Passage, ...]
    next: str | None = None
    """The cursor of the next page; `None` when this is the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lines:
    """A page of what is said and to be read in an item."""

    lines: tuple[Line, ...]
    total: int
    """How many there are in all."""
    next: str | None = None
    """The cursor of the next page; `None` when this is the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploaded:
    """A file that was uploaded to search with."""

    upload: str
    """Its id."""
    modality: Modality
    """What it is, by its content."""
    name: str
    segments: int
    expires_in: int
    """Seconds after its last use for which it is kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """An item on the plane."""

    item: str
    x: float
    """From -1 to 1."""
    y: float
    """From -1 to 1."""
    modality: Modality


@dataclass(frozen=True, kw_only=True, slots=True)
class Map:
    """Items on a plane, like ones near each other."""

    points: tuple[Point, ...]
    total: int
    """How many items there are; when there are more than points, these are evenly spread over them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A file, a record or a folder that could not be read."""

    path: str
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What an indexing run did, in files."""

    added: int
    updated: int
    unchanged: int
    dropped: int
    ignored: int
    """Files of kinds that are not searched."""
    transcribed: int | None = None
    """Files whose words were recognised, where that was asked for."""
    refused: tuple[Refused, ...]
    """What could not be read, also from earlier runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A part of a job besides reading new files."""

    work: Work
    planned: int
    """How much there is to do."""
    done: int
    """How much of that is done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """An indexing run."""

    id: str
    state: JobState
    paths: tuple[str, ...]
    """What is indexed; nothing for all that the index knows."""
    walked: int
    """Files found so far."""
    planned: int | None = None
    """Files that are new or may have changed, once that is known."""
    done: int
    """Of those, files that are done."""
    stage: Stage | None = None
    """What is done before and after these files; nothing while they are read."""
    started: datetime | None = None
    error: str | None = None
    """Why it failed."""
    report: Report | None = None
    """What it did, when it is done."""

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.state not in ("queued", "running")


@dataclass(frozen=True, kw_only=True, slots=True)
class FileCounts:
    """How many files there are."""

    indexed: int
    refused: int
    ignored: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Bytes:
    """What takes room."""

    total: int
    """The files of the index on disk."""
    vectors: int
    features: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """What a server is and has."""

    name: str
    version: str
    space: str
    """The space of the model."""
    access: Access
    """What this client may do."""
    reranker: bool
    """Whether `rerank` can be asked for."""
    items: Mapping[str, int]
    """How many items there are, by modality."""
    segments: Mapping[str, int]
    """How many segments they have, by track."""
    locations: int
    files: FileCounts
    bytes: Bytes
    refused: tuple[Refused, ...]
    """What could not be read, the first of it."""
    refused_total: int
    folders: tuple[str, ...]
    """The folders that hold the files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """The recall card: how well the model finds what belongs together."""

    plots: tuple[str, ...]
    """Names of plots, for `Client.plot`."""
    figures: Mapping[str, Any]
    """As `sensorium eval --json` prints it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Jobs:
    """What `Client.jobs` is read from."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed:
    """What `Client.remove` is read from."""

    removed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Embeddings:
    """What `Client.embed` is read from."""

    space: str
    dimension: int
    vectors: tuple[str, ...]
    """Little-endian 32-bit floats in base64."""
