"""What a client does when a server is busy, breaks off or is none. A server that behaves badly on purpose plays these."""

from __future__ import annotations

import json
import threading
import unittest
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sensorium import BadAnswer, Busy, Client, JobFailed, ServerFailed, Unreachable

Handler = BaseHTTPRequestHandler
Answer = Callable[[Handler], None]

BUSY = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": "try again"}
JOB = {"id": "1", "state": "running", "paths": [], "walked": 0, "planned": None, "done": 0, "started": None}


def send(handler: Handler, status: int, content: object, kind: str = "application/json", **headers: str) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", headers.pop("length", str(len(body))))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def event(job: dict[str, object]) -> bytes:
    return f": heartbeat\n\nevent: job\r\ndata: {json.dumps(job, ensure_ascii=False)}\r\n\r\n".encode()


class Patience(unittest.TestCase):
    def client(self, *answers: Answer) -> Client:
        """Of a server that gives these answers, one after the other, the last again and again."""
        self.asked = 0
        self.bodies: list[bytes] = []
        test = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                test.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                answer = answers[min(test.asked, len(answers) - 1)]
                test.asked += 1
                answer(self)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        client = Client(f"http://127.0.0.1:{server.server_port}", retries=2)
        for cleanup in (server.server_close, thread.join, server.shutdown, client.close):
            self.addCleanup(cleanup)
        return client

    def busy(self, handler: Handler) -> None:
        send(handler, 503, BUSY, "application/problem+json", retry_after="0")

    def test_a_busy_server_is_asked_again_with_the_whole_request(self) -> None:
        uploaded = {"upload": "u-1", "modality": "text", "name": "a", "segments": 1, "expires_in": 3600}
        client = self.client(self.busy, self.busy, lambda handler: send(handler, 201, uploaded))
        self.assertEqual(client.upload(__file__).upload, "u-1")
        self.assertEqual(self.asked, 3)
        for body in self.bodies:
            self.assertIn(b"class Patience", body)

    def test_its_patience_is_bounded(self) -> None:
        client = self.client(self.busy)
        with self.assertRaisesRegex(Busy, "503 Service Unavailable: try again") as caught:
            client.status()
        self.assertEqual((self.asked, caught.exception.retry_after), (3, 0))

    def test_other_errors_are_not_repeated(self) -> None:
        client = self.client(lambda handler: send(handler, 500, {"title": "x", "detail": "its log says why"}, "application/problem+json"))
        with self.assertRaisesRegex(ServerFailed, "its log says why"):
            client.status()
        self.assertEqual(self.asked, 1)

    def test_what_is_no_sensorium_is_called_so(self) -> None:
        page: Answer = lambda handler: send(handler, 200, b"<html>", "text/html")
        other: Answer = lambda handler: send(handler, 404, b"{}")
        for answer in (page, other):
            with self.assertRaisesRegex(BadAnswer, "no Sensorium server"):
                self.client(answer).status()
        client = self.client(lambda handler: send(handler, 502, b"bad gateway", "text/plain"))
        with self.assertRaisesRegex(ServerFailed, "502 Bad Gateway"):
            client.status()
        client = self.client(lambda handler: send(handler, 200, {"name": "sensorium"}))
        with self.assertRaisesRegex(BadAnswer, "Status has no version"):
            client.status()

    def test_half_an_answer_is_none(self) -> None:
        client = self.client(lambda handler: send(handler, 200, b"half", length="1000"))
        with self.assertRaisesRegex(Unreachable, "broke off"):
            client.media("b3:1")

    def test_fields_of_later_versions_are_left_out(self) -> None:
        client = self.client(lambda handler: send(handler, 200, {**JOB, "state": "paused", "mood": {"good": True}}))
        self.assertEqual(client.job("1").state, "paused")

    def test_a_job_is_followed_again_when_the_stream_breaks_off(self) -> None:
        paths = ["/a\u2028b\u0085.txt"]  # ends of lines to Python, not to JSON
        client = self.client(
            lambda handler: send(handler, 202, JOB),
            lambda handler: send(handler, 200, event({**JOB, "paths": paths}), "text/event-stream", length="1000"),
            lambda handler: send(handler, 200, event({**JOB, "state": "failed", "error": "the disk is full"}), "text/event-stream"),
        )
        told: list[tuple[str, ...]] = []
        with self.assertRaisesRegex(JobFailed, "job 1.*the disk is full"):
            client.index("/a", progress=lambda job: told.append(job.paths))
        self.assertEqual(told, [tuple(paths), ()])
