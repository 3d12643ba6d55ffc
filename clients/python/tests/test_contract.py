"""The client against the OpenAPI document of the server: a change on one side that the other does not know is an error here."""

from __future__ import annotations

import inspect
import json
import re
import unittest
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

import httpx

from sensorium import Client, SensoriumError, models

from .document import Properties, document, of_dataclass, of_schema, operations, schemas
from .serving import server

CALLED = {
    models.Asked: "Search",
    models.AskedPart: "Part",
    models.Hit: "FoundItem",
    models.WholeItem: "Whole",
    models.Jobs: "List",
}
"""Dataclasses whose schemas have other names."""

NO_DATACLASS = {
    "Access": "an enumeration, compared where it is used",
    "Encoding": "sent",
    "Form": "sent as a form",
    "Hit": "part of FoundItem",
    "ItemId": "a str",
    "JobEvent": "a stream, read event by event",
    "Making": "told by the status 202",
    "Modality": "an enumeration, compared where it is used",
    "Overview": "part of Status",
    "PathText": "sent",
    "Paths": "sent",
    "Problem": "raised as a SensoriumError",
    "Shown": "sent by browsers",
    "PerhapsSpan": "part of Segment",
    "Span": "part of Glance",
    "SearchForm": "a form; files are uploaded before instead",
    "State": "an enumeration, compared where it is used",
    "Texts": "sent",
    "Track": "an enumeration, compared where it is used",
    "Work": "an enumeration, compared where it is used",
    "Vector": "asked for in base64",
}

NO_METHOD = {
    "search_simply": "what it does, `search` does",
    "begin": "sessions are for browsers; the client sends its key with each request",
    "end": "sessions are for browsers; the client sends its key with each request",
}

Call = Callable[[Client], object]

CALLS: dict[str, tuple[Callable[..., object], Call]] = {
    "card": (Client.card, lambda client: client.card()),
    "plot": (Client.plot, lambda client: client.plot(client.card().plots[0])),
    "embed": (Client.embed, lambda client: client.embed(["a"])),
    "items": (Client.items, lambda client: client.items()),
    "item": (Client.item, lambda client: client.item(one(client))),
    "lines": (Client.lines, lambda client: client.lines(one(client))),
    "media": (Client.media, lambda client: client.media(one(client))),
    "preview": (Client.preview, lambda client: client.preview(one(client))),
    "segments": (Client.segments, lambda client: client.segments(one(client))),
    "similar": (Client.similar, lambda client: client.similar(one(client))),
    "thumbnail": (Client.thumbnail, lambda client: client.thumbnail(one(client))),
    "waveform": (Client.waveform, lambda client: client.waveform(one(client, "audio"))),
    "list": (Client.jobs, lambda client: client.jobs()),
    "add": (Client.index, lambda client: client.index(server().pack, wait=False)),
    "job": (Client.job, lambda client: client.job(client.jobs()[-1])),
    "cancel": (Client.cancel, lambda client: client.cancel(client.jobs()[-1])),
    "events": (Client.follow, lambda client: list(client.follow(client.jobs()[-1]))),
    "map": (Client.map, lambda client: client.map()),
    "remove": (Client.remove, lambda client: client.remove("/nowhere")),
    "search": (
        Client.search,
        lambda client: client.search("a", where="size > 0", limit=1, cursor="1"),
    ),
    "status": (Client.status, lambda client: client.status()),
    "upload": (Client.upload, lambda client: client.upload(b"words", name="a.txt")),
}
"""The method of each operation, and a call that needs it."""


def one(client: Client, modality: models.Modality = "image") -> str:
    return client.items(modality=modality, limit=1).items[0].item


def dataclasses() -> list[type[Any]]:
    found = [kind for _, kind in inspect.getmembers(models) if is_dataclass(kind) and isinstance(kind, type)]
    return [kind for kind in found if kind.__module__ == models.__name__]


class Answers(unittest.TestCase):
    maxDiff = None

    def test_each_dataclass_has_the_fields_of_its_schema(self) -> None:
        for kind in dataclasses():
            with self.subTest(kind.__name__):
                expected = of_schema(schemas()[CALLED.get(kind, kind.__name__)])
                if kind is models.Card:
                    # The rest of a card is an object without a schema.
                    expected["figures"] = ("map to any", True)
                if kind is models.Embeddings:
                    # As it is asked for.
                    expected["vectors"] = ("list of string", True)
                self.assertEqual(of_dataclass(kind, CALLED), expected)

    def test_each_schema_has_a_dataclass(self) -> None:
        known = {CALLED.get(kind, kind.__name__) for kind in dataclasses()}
        self.assertEqual(set(schemas()) - known, set(NO_DATACLASS) - known)

    def test_errors_have_what_problems_tell(self) -> None:
        told = set(of_schema(schemas()["Problem"]))
        self.assertEqual(told - {"type"}, set(vars(SensoriumError("", status=400, title=""))))


class Operations(unittest.TestCase):
    def test_each_operation_has_a_method_or_a_reason(self) -> None:
        self.assertEqual(set(CALLS) | set(NO_METHOD), set(operations()))
        self.assertEqual(set(CALLS) & set(NO_METHOD), set())

    def test_methods_ask_for_their_operations(self) -> None:
        """And send what the document has."""
        for name, (_, call) in CALLS.items():
            method, path, about = operations()[name]
            with self.subTest(name), server().client() as client:
                asked = recorded(client)
                call(client)
                pattern = re.sub(r"\{\w+\}", "[^/]+", path)
                sent = [request for request in asked if request.method == method and re.fullmatch(pattern, request.url.path)]
                self.assertTrue(sent, f"{method} {path} was not asked for")
                content = about.get("requestBody", {}).get("content", {})
                kind = sent[-1].headers.get("content-type", "").split(";")[0]
                self.assertIn(kind, content or {""})
                if kind == "application/json":
                    self.check_body(content[kind]["schema"]["$ref"].rsplit("/", 1)[1], json.loads(sent[-1].content))

    def check_body(self, name: str, body: dict[str, object]) -> None:
        properties = of_schema(schemas()[name])
        self.assertEqual(set(body), set(properties))

    def test_methods_take_all_parameters(self) -> None:
        for name, (method, _) in CALLS.items():
            _, _, about = operations()[name]
            wanted = {parameter["name"] for parameter in about.get("parameters", ()) if parameter["in"] == "query"}
            with self.subTest(name):
                self.assertLessEqual(wanted, set(inspect.signature(method).parameters))

    def test_search_takes_all_that_a_question_may_have(self) -> None:
        wanted = set(of_schema(schemas()["Search"])) - {"parts"}
        self.assertLessEqual(wanted, set(inspect.signature(Client.search).parameters))

    def test_the_document_may_be_read_without_a_key(self) -> None:
        self.assertEqual(document()["info"]["title"], "Sensorium")


def recorded(client: Client) -> list[httpx.Request]:
    """The requests that `client` sends from now on."""
    asked: list[httpx.Request] = []
    client._http._client.event_hooks["request"].append(asked.append)
    return asked


class Comparison(unittest.TestCase):
    """That the comparison itself sees differences."""

    def test_a_change_of_name_kind_or_need_is_seen(self) -> None:
        schema = json.loads(json.dumps(schemas()["Moment"]))
        ours: Properties = of_dataclass(models.Moment, CALLED)
        self.assertEqual(of_schema(schema), ours)
        schema["properties"]["peak"]["type"] = "integer"
        self.assertNotEqual(of_schema(schema), ours)
        schema = {**schemas()["Moment"], "required": ["start", "end", "peak"]}
        self.assertNotEqual(of_schema(schema), ours)
        schema = {**schemas()["Moment"], "properties": {**schemas()["Moment"]["properties"], "new": {"type": "string"}}}
        self.assertNotEqual(of_schema(schema), ours)
