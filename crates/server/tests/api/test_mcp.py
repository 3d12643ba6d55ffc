"""Drives Sensorium's tools for assistants with the protocol's own client, over standard input and output and over HTTP."""

import asyncio
import base64
import os
import unittest

from mcp import Client, StdioServerParameters

BINARY = os.environ["SENSORIUM"]
INDEX = os.environ["SENSORIUM_INDEX"]
SERVER = os.environ["SENSORIUM_URL"]


class Tools:
    """What both ways have in common; `server` is what a client connects to."""

    server = None

    def ask(self, name, arguments=None):
        async def asked():
            async with Client(self.server) as client:
                return await client.call_tool(name, arguments or {})

        return asyncio.run(asked())

    def found(self, name, arguments=None):
        result = self.ask(name, arguments)
        self.assertFalse(result.is_error, result.content)
        return result.structured_content

    def test_tools_say_what_they_take(self):
        async def asked():
            async with Client(self.server) as client:
                return client.server_info, client.instructions, await client.list_tools()

        info, instructions, tools = asyncio.run(asked())
        self.assertEqual(info.name, "sensorium")
        self.assertIn("describe_collection", instructions)
        by_name = {tool.name: tool for tool in tools.tools}
        self.assertEqual(set(by_name), {"search", "get_item", "similar", "describe_collection"})
        for tool in by_name.values():
            self.assertTrue(tool.description)
            self.assertTrue(tool.annotations.read_only_hint)
        to = by_name["search"].input_schema["properties"]["to"]
        self.assertEqual(to["items"]["enum"], ["text", "image", "audio", "video"])

    def test_words_find_a_picture_which_is_shown(self):
        found = self.found("search", {"text": "a hen", "to": ["image"], "limit": 3})
        hit = found["hits"][0]
        self.assertIn("hen", hit["path"])
        shown = self.ask("get_item", {"item": hit["item"]})
        picture = next(content for content in shown.content if content.type == "image")
        self.assertEqual(picture.mime_type, "image/jpeg")
        self.assertEqual(base64.b64decode(picture.data)[:3], b"\xff\xd8\xff")
        self.assertEqual(shown.structured_content["item"], hit["item"])

    def test_a_frame_of_a_video_is_shown_at_the_moment(self):
        found = self.found("search", {"text": "a cow", "to": ["video"]})
        hit = found["hits"][0]
        self.assertTrue(hit["moments"])
        shown = self.ask("get_item", {"item": hit["item"], "at": hit["moments"][0]["peak"]})
        self.assertEqual(shown.content[0].type, "image")

    def test_a_text_is_read(self):
        found = self.found("search", {"text": "hens in the yard", "to": ["text"]})
        shown = self.found("get_item", {"item": found["hits"][0]["item"]})
        self.assertIn("hens", shown["whole_text"])
        self.assertFalse(shown["goes_on"])

    def test_words_that_are_to_be_read_are_found_and_told(self):
        found = self.found("search", {"text": "parking", "to": ["image"], "limit": 1})
        self.assertEqual([line["text"] for line in found["hits"][0]["lines"]], ["NO PARKING"])
        shown = self.found("get_item", {"item": found["hits"][0]["item"]})
        self.assertEqual([line["text"] for line in shown["lines"]], ["NO PARKING", "8 am to 6 pm"])
        self.assertEqual(shown["lines_total"], 2)

    def test_a_picture_finds_sounds(self):
        picture = self.found("search", {"text": "a cow", "to": ["image"]})["hits"][0]
        alike = self.found("similar", {"item": picture["item"], "to": ["audio"], "limit": 1})
        self.assertEqual([hit["modality"] for hit in alike["hits"]], ["audio"])

    def test_the_collection_is_described(self):
        told = self.found("describe_collection")
        self.assertGreaterEqual(told["items"]["image"], 1)
        self.assertTrue(told["folders"])

    def test_a_wrong_question_is_answered_with_what_is_wrong(self):
        for name, arguments, told in [
            ("search", {}, "query"),
            ("search", {"text": "a", "where": "taken >"}, "condition"),
            ("search", {"text": "a", "limit": 1000}, "limit"),
            ("get_item", {"item": "../../etc/passwd"}, "not an item"),
            ("get_item", {"item": "b3:" + "0" * 64}, "not there"),
        ]:
            result = self.ask(name, arguments)
            self.assertTrue(result.is_error, (name, arguments))
            self.assertIn(told, result.content[0].text)


class OverStandardInputAndOutput(Tools, unittest.TestCase):
    server = StdioServerParameters(command=BINARY, args=["mcp", "--index", INDEX], env=dict(os.environ))


class OverHttp(Tools, unittest.TestCase):
    server = f"{SERVER}/mcp"


if __name__ == "__main__":
    unittest.main()
