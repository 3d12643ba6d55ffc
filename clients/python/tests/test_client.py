"""What a user does with the client, against a real server."""

from __future__ import annotations

import io
import tempfile
import threading
import unittest
from pathlib import Path

import numpy as np

from sensorium import (
    BadRequest,
    Client,
    Forbidden,
    Item,
    Job,
    NotFound,
    Part,
    Unauthorized,
    Unreachable,
    Unreadable,
    without,
)

from .serving import server


class Served(unittest.TestCase):
    def setUp(self) -> None:
        self.server = server()
        self.client = self.server.client()
        self.addCleanup(self.client.close)
        self.pack = self.server.pack

    def item(self, name: str) -> Item:
        """The item of a file of the pack."""
        (item,) = self.client.items(where=f'path = "{self.pack / name}"').items
        return item


class Searching(Served):
    def test_words_find_a_text(self) -> None:
        found = self.client.search("a dog barks", to="text", limit=3)
        self.assertEqual(found.hits[0].path, str(self.pack / "dog.txt"))
        self.assertEqual(found.hits[0].words, ("a", "dog", "barks"))
        self.assertIn("dog", found.hits[0].text or "")
        self.assertEqual([hit.rank for hit in found.hits], [1, 2, 3])
        self.assertEqual(found.query.to, ("text",))

    def test_a_picture_finds_itself_by_path_bytes_and_open_file(self) -> None:
        path = self.pack / "sky.png"
        with path.open("rb") as opened:
            for what in (path, path.read_bytes(), opened, io.BytesIO(path.read_bytes())):
                hit = self.client.search(what, to="image", limit=1).hits[0]
                self.assertEqual((hit.path, hit.modality), (str(path), "image"))
                self.assertGreater(hit.similarity, 0.99)

    def test_parts_have_weights_and_may_be_unwanted(self) -> None:
        found = self.client.search(["rain", Part("a roof", weight=2), without(self.pack / "board.png")])
        parts = found.query.parts
        self.assertEqual([part.text for part in parts], ["rain", "a roof", None])
        self.assertEqual([part.weight for part in parts], [1.0, 2.0, 1.0])
        self.assertEqual([part.without for part in parts], [False, False, True])
        self.assertTrue((parts[2].upload or "").startswith("u-"))

    def test_items_hits_and_ids_stand_for_items(self) -> None:
        item = self.item("sky.png")
        hit = self.client.search(self.pack / "sky.png", to="image", limit=1).hits[0]
        (point,) = (point for point in self.client.map().points if point.item == item.item)
        for what in (item, hit, point, item.item):
            found = self.client.search(what)
            self.assertEqual(found.query.parts[0].item, item.item)
            self.assertNotIn(item.item, [hit.item for hit in found.hits])

    def test_an_upload_is_sent_once_for_all_pages(self) -> None:
        path = self.pack / "sky.png"
        pages = list(self.client.iter_search(path, page=2))
        whole = self.client.search(path, limit=100).hits
        self.assertEqual([hit.item for hit in pages], [hit.item for hit in whole])
        self.assertGreater(len(pages), 4)

    def test_words_that_are_to_be_read_in_a_picture_find_it(self) -> None:
        hit = self.client.search("parking", to="image", limit=1).hits[0]
        self.assertEqual(hit.path, str(self.pack / "sign.png"))
        self.assertEqual([(line.track, line.start, line.text) for line in hit.lines], [("visual", None, "NO PARKING")])

    def test_conditions_moments_and_reasons(self) -> None:
        found = self.client.search("loud noise", where="duration > 20", moments=True, explain=True)
        (hit,) = found.hits
        self.assertEqual((hit.modality, hit.media.format, hit.media.duration), ("audio", "WAV", 25.0))
        self.assertIsNotNone(hit.curve)
        assert hit.explain is not None
        self.assertEqual([word.word for word in hit.explain.words], ["loud", "noise"])
        self.assertGreater(len(hit.explain.windows), 1)

    def test_a_reranked_picture_shows_where_the_query_looked(self) -> None:
        found = self.client.search("an evening sky", to="image", rerank=True, explain=True)
        heat = found.hits[0].explain.heat_map if found.hits[0].explain else None
        assert heat is not None
        self.assertEqual(heat.grid().shape, (heat.rows, heat.columns))
        self.assertAlmostEqual(float(heat.grid().sum()), 1, places=3)
        self.assertTrue((heat.picture() or b"").startswith(b"\x89PNG"))

    def test_similar_items_leave_the_item_out(self) -> None:
        item = self.item("sky.png")
        found = self.client.similar(item, to=("image", "text"), limit=5)
        self.assertNotIn(item.item, [hit.item for hit in found.hits])
        self.assertLessEqual({hit.modality for hit in found.hits}, {"image", "text"})

    def test_vectors_are_those_of_the_texts_in_their_order(self) -> None:
        texts = [f"text {n}" for n in range(70)]
        vectors = self.client.embed(texts)
        self.assertEqual((vectors.dtype, vectors.shape[0]), (np.dtype(np.float32), 70))
        np.testing.assert_allclose(vectors[69], self.client.embed("text 69")[0], atol=1e-4)
        self.assertGreater(float(np.abs(vectors[0] - vectors[69]).max()), 1e-3)
        vectors[0] = 0  # it is the caller's own

    def test_uploads_say_what_they_are(self) -> None:
        sound = self.client.upload(self.pack / "noise.wav")
        self.assertEqual((sound.modality, sound.name), ("audio", "noise.wav"))
        text = self.client.upload(b"# A heading\n\nwords", name="notes \u00e9.md")
        self.assertEqual((text.modality, text.name), ("text", "notes \u00e9.md"))
        self.assertEqual(len(self.client.search(sound, to="audio").hits), 1)

    def test_what_cannot_be_searched_with_is_refused_before_a_request(self) -> None:
        for nothing in (3, [3], Part(3)):  # type: ignore[arg-type]
            with self.assertRaisesRegex(TypeError, "int is nothing to search with"):
                self.client.search(nothing)  # type: ignore[arg-type]
        with self.assertRaises(ValueError):
            self.client.search([])

    def test_it_can_be_used_from_several_threads(self) -> None:
        counts: list[int] = []
        threads = [threading.Thread(target=lambda: counts.append(len(self.client.search("rain").hits))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(counts), 8)
        self.assertEqual(len(set(counts)), 1)


class Looking(Served):
    def test_all_items_come_in_pages(self) -> None:
        page = self.client.items(limit=2)
        items = list(self.client.iter_items(page=2))
        self.assertEqual(len(page.items), 2)
        self.assertEqual(len(items), page.total)
        self.assertEqual(len({item.item for item in items}), page.total)
        pictures = list(self.client.iter_items(modality="image"))
        self.assertEqual({Path(item.path).name for item in pictures}, {"sky.png", "board.png", "sign.png"})

    def test_an_item_tells_what_its_file_and_its_record_say(self) -> None:
        picture = self.client.item(self.item("sky.png"))
        self.assertEqual((picture.media.width, picture.media.height), (160, 120))
        assert picture.modified is not None
        self.assertAlmostEqual(picture.modified.timestamp(), (self.pack / "sky.png").stat().st_mtime, delta=0.01)
        record = self.client.search("whale", where='author = "ada"').hits[0]
        self.assertEqual(self.client.item(record).fields["author"], "Ada")

    def test_segments_come_in_pages(self) -> None:
        item = self.item("long.txt")
        segments = list(self.client.iter_segments(item, page=1))
        self.assertGreater(len(segments), 2)
        self.assertEqual(segments, list(self.client.segments(item).segments))
        windows = self.client.segments(self.item("noise.wav")).segments
        self.assertEqual((windows[0].track, windows[0].start), ("audio", 0.0))

    def test_lines_come_in_pages(self) -> None:
        sign = self.client.item(self.item("sign.png"))
        lines = list(self.client.iter_lines(sign, page=1))
        self.assertEqual([line.text for line in lines], ["NO PARKING", "8 am to 6 pm"])
        page = self.client.lines(sign)
        self.assertEqual((page.lines, page.total, page.next), (tuple(lines), sign.lines_total, None))
        self.assertEqual(self.client.lines(self.item("sky.png")).total, 0)

    def test_media_come_whole_in_ranges_and_as_files(self) -> None:
        content = (self.pack / "sky.png").read_bytes()
        item = self.item("sky.png")
        self.assertEqual(self.client.media(item), content)
        self.assertEqual(self.client.media(item, start=1, end=4), b"PNG")
        self.assertEqual(self.client.media(item, start=8), content[8:])
        with tempfile.TemporaryDirectory() as folder:
            to = Path(folder, "copy.png")
            self.assertEqual(self.client.save_media(item, to), len(content))
            self.assertEqual(to.read_bytes(), content)
            with self.assertRaises(NotFound):
                self.client.save_media("b3:" + "0" * 64, to)
            self.assertEqual([path.name for path in Path(folder).iterdir()], ["copy.png"])
        opened = io.BytesIO()
        self.client.save_media(item, opened)
        self.assertEqual(opened.getvalue(), content)

    def test_a_record_has_its_text_as_media(self) -> None:
        record = self.client.search("whale", where='author = "ada"').hits[0]
        self.assertEqual(self.client.media(record), b"a whale sings in the deep")
        self.assertEqual(self.client.media(record, start=2, end=7), b"whale")

    def test_previews_are_small_copies(self) -> None:
        sound = self.item("noise.wav")
        self.assertTrue(self.client.thumbnail(self.item("sky.png"), size=160).startswith(b"\xff\xd8"))
        self.assertIn(b"<svg", self.client.waveform(sound, width=200))
        copy = self.client.preview(sound)
        self.assertTrue(copy.startswith((b"ID3", b"\xff")), copy[:8])

    def test_the_server_tells_what_it_has(self) -> None:
        status = self.client.status()
        self.assertEqual((status.name, status.access), ("sensorium", "write"))
        self.assertEqual(status.items["image"], 3)
        self.assertIn(str(self.pack), status.folders)
        card = self.client.card()
        self.assertIn("text->image", card.figures["directions"])
        self.assertIn(b"<svg", self.client.plot(card.plots[0]))


class Indexing(Served):
    def test_a_folder_is_added_and_removed_with_progress(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name).resolve()
            (folder / "cat.txt").write_text("a cat purrs on the sofa")
            (folder / "bad.png").write_bytes((self.pack / "sky.png").read_bytes()[:200])
            told: list[Job] = []
            job = self.client.index(folder, progress=told.append)
            assert job.report is not None
            self.assertEqual((job.state, job.report.added), ("done", 1))
            self.assertEqual([Path(bad.path).name for bad in job.report.refused], ["bad.png"])
            self.assertEqual(told[-1], job)
            self.assertIsNotNone(job.report.transcribed)
            self.assertEqual(self.client.job(job).state, "done")
            self.assertIn(job.id, [known.id for known in self.client.jobs()])
            self.assertEqual(self.client.search("cat", to="text").hits[0].path, str(folder / "cat.txt"))
            self.assertEqual(self.client.remove([folder]), 2)
            self.assertEqual(self.client.items(where=f'folder = "{folder}"').total, 0)

    def test_a_job_goes_on_without_a_listener(self) -> None:
        queued = self.client.index(self.pack, wait=False)
        self.assertIn(queued.state, ("queued", "running", "done"))
        *_, last = self.client.follow(queued)
        self.assertEqual(last.state, "done")
        self.assertEqual(self.client.cancel(queued).state, "done")

    def test_known_files_are_looked_at_again_when_no_path_is_given(self) -> None:
        job = self.client.index()
        assert job.report is not None
        self.assertEqual((job.paths, job.report.added), ((), 0))
        self.assertGreater(job.report.unchanged, 5)

    def test_an_empty_list_of_paths_is_no_order_to_look_at_everything(self) -> None:
        with self.assertRaises(ValueError):
            self.client.index([])


class Errors(Served):
    def test_they_have_a_class_a_status_and_what_to_do(self) -> None:
        with self.assertRaisesRegex(NotFound, "404 Not Found: b3:0+ is not there") as caught:
            self.client.item("b3:" + "0" * 64)
        self.assertEqual((caught.exception.status, caught.exception.title), (404, "Not Found"))
        with self.assertRaisesRegex(BadRequest, "condition"):
            self.client.search("x", where="((")
        with self.assertRaisesRegex(BadRequest, "smell"):
            self.client.search("x", to="smell")  # type: ignore[arg-type]
        with self.assertRaisesRegex(Unreadable, "junk.bin"):
            self.client.upload(b"\x00\x01junk", name="junk.bin")
        with self.assertRaisesRegex(BadRequest, "/nowhere"):
            self.client.index("/nowhere")

    def test_keys_say_who_may_do_what(self) -> None:
        with Client(self.server.url, "sk-wrong") as stranger, self.assertRaises(Unauthorized):
            stranger.status()
        with Client(self.server.url, self.server.read_key) as reader:
            self.assertEqual(reader.status().access, "read")
            with self.assertRaises(Forbidden):
                reader.index(self.pack)

    def test_keys_are_not_shown(self) -> None:
        self.assertNotIn(self.server.write_key, repr(self.client))
        with self.assertRaisesRegex(ValueError, "^(?!.*secret)"):
            Client(self.server.url, "secret\n")

    def test_an_address_without_a_server_says_how_to_start_one(self) -> None:
        with Client("http://127.0.0.1:1") as client, self.assertRaisesRegex(Unreachable, "sensorium serve") as caught:
            client.status()
        self.assertIsNone(caught.exception.status)
        for wrong in ("127.0.0.1:7700", "ftp://host", "http://"):
            with self.assertRaises(ValueError):
                Client(wrong)
