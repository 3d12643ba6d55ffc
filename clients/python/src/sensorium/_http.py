"""Requests: keys, errors, and patience with a server that is busy."""

from __future__ import annotations

import ipaddress
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import httpx

from .errors import BadAnswer, Busy, SensoriumError, Unreachable, of_status

RETRIES = 4
"""How often a request is repeated while the server is busy."""

LONGEST_WAIT = 30.0
"""Seconds that are waited at most before a request is repeated."""

Body = Callable[[], dict[str, Any]]
"""Makes what httpx is given as the body; each attempt gets its own."""

Query = Mapping[str, object]
"""What stands behind `?`; `None` for what is not said."""


class Http:
    """Asks one server. Usable from several threads."""

    def __init__(self, url: str, key: str | None, timeout: float, retries: int) -> None:
        self.url = _checked(url)
        self._retries = retries
        headers = {"user-agent": f"sensorium-client/{version('sensorium-client')}"}
        if key:
            if not key.isascii() or not key.isprintable():
                raise ValueError("a key is as `sensorium key` prints it, without spaces and ends of lines")
            headers["authorization"] = f"Bearer {key}"
        # A proxy has no way to this machine.
        self._client = httpx.Client(headers=headers, timeout=timeout, trust_env=not self.is_local)

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine, by its address."""
        host = httpx.URL(self.url).host
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def close(self) -> None:
        self._client.close()

    def json(self, method: str, path: str, *, body: Body | None = None, query: Query | None = None) -> Any:
        """The JSON that answers a request."""
        response = self.answer(method, path, body=body, query=query)
        try:
            return response.json()
        except ValueError as error:
            raise self._stranger(response) from error

    def answer(
        self, method: str, path: str, *, body: Body | None = None, query: Query | None = None
    ) -> httpx.Response:
        """The whole answer to a request."""
        with self.stream(method, path, body=body, query=query) as response:
            response.read()
            return response

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        body: Body | None = None,
        query: Query | None = None,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> Iterator[httpx.Response]:
        """The answer to a request, whose content is still to be read.

        While the server is busy, the request is repeated. What goes wrong while the content is read is told as other errors are.
        """
        options: dict[str, Any] = {"headers": headers, "params": _params(query or {})}
        if timeout is not None:
            options["timeout"] = timeout
        attempt = 0
        with self._named_errors():
            while True:
                given = body() if body else {}
                with self._client.stream(method, f"{self.url}/api/v1{path}", **options, **given) as response:
                    if response.is_success:
                        yield response
                        return
                    response.read()
                error = self._error(response)
                if not isinstance(error, Busy) or attempt >= self._retries:
                    raise error
                wait = 0.5 * 2**attempt if error.retry_after is None else error.retry_after
                # Those that were refused together shall not come again together.
                time.sleep(min(wait * (1 + random.random()), LONGEST_WAIT))
                attempt += 1

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            hint = "start it with `sensorium serve`" if self.is_local else "is the address right, and does it listen there (`--host`)?"
            raise Unreachable(f"no Sensorium server answers at {self.url}: {hint} ({error})") from error
        except httpx.TimeoutException as error:
            raise Unreachable(f"{self.url} took too long ({type(error).__name__}): try again, or with a longer timeout") from error
        except httpx.TransportError as error:
            raise Unreachable(f"the connection to {self.url} broke off: {error}") from error
        except httpx.DecodingError as error:
            raise BadAnswer(f"what {self.url} sent cannot be decoded: {error}") from error

    def _error(self, response: httpx.Response) -> SensoriumError:
        kind = response.headers.get("content-type", "")
        try:
            problem = json.loads(response.content) if kind.startswith("application/problem+json") else None
        except ValueError:
            problem = None
        # A proxy before the server may be what is busy, and says so in its own way.
        if not isinstance(problem, dict):
            if response.status_code < 500:
                return self._stranger(response)
            problem = {"detail": f"{self.url} failed to answer, and does not say why"}
        title = str(problem.get("title") or response.reason_phrase)
        return of_status(response.status_code, title, str(problem.get("detail", "")), _retry_after(response))

    def _stranger(self, response: httpx.Response) -> BadAnswer:
        return BadAnswer(
            f"what answers at {self.url} is no Sensorium server, or not one of this version: {response.request.method} "
            f"{response.request.url.path} gave {response.headers.get('content-type', 'something')}",
            status=response.status_code,
            title=response.reason_phrase,
        )


def _checked(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"{url!r} is no address: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"{url!r} is no address of a server; one is http://127.0.0.1:7700")
    return url.rstrip("/")


def _params(query: Query) -> dict[str, str]:
    return {name: str(value) for name, value in query.items() if value is not None}


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds; the dates that the header may have as well are not used here."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None
