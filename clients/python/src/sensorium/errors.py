"""What can go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models import Job


class SensoriumError(Exception):
    """Something that was asked of a server was not done.

    Servers say what is wrong in problem details (RFC 9457): `status` is the HTTP status, `title` the status in words, `detail`
    what is wrong and what to do. `status` is `None` where no server answered.
    """

    def __init__(self, detail: str, *, status: int | None = None, title: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.title = title

    def __str__(self) -> str:
        if self.status is None:
            return self.detail
        return f"{self.status} {self.title}: {self.detail}"


class Unreachable(SensoriumError):
    """No server answers at the address, or it broke off, or it took too long."""


class BadAnswer(SensoriumError):
    """What answers at the address does not answer as Sensorium does."""


class BadRequest(SensoriumError):
    """400, 416, 422: what was asked for makes no sense to the server."""


class Unauthorized(SensoriumError):
    """401: the server needs a key that it knows."""


class Forbidden(SensoriumError):
    """403: the key does not allow it, or the server is read-only."""


class NotFound(SensoriumError):
    """404: the item, the job, the file or the upload is not there."""


class TooLarge(SensoriumError):
    """413: more bytes than the server takes."""


class Unreadable(SensoriumError):
    """415: an uploaded file is no picture, sound, video or text that can be read."""


class Busy(SensoriumError):
    """503: the server has more to do than it can, also after the request was repeated."""

    def __init__(self, detail: str, *, status: int | None = None, title: str = "", retry_after: float | None = None) -> None:
        super().__init__(detail, status=status, title=title)
        self.retry_after = retry_after
        """Seconds after which it may be tried again, if the server said so."""


class ServerFailed(SensoriumError):
    """5xx: the server failed; its log says why."""


class JobFailed(SensoriumError):
    """A job that was waited for failed."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"indexing failed (job {job.id}): {job.error or 'the server does not say why'}")
        self.job = job


_BY_STATUS: dict[int, type[SensoriumError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    413: TooLarge,
    415: Unreadable,
    416: BadRequest,
    422: BadRequest,
}


def of_status(status: int, title: str, detail: str, retry_after: float | None = None) -> SensoriumError:
    """The error that stands for an answer of `status`."""
    if status == 503:
        return Busy(detail, status=status, title=title, retry_after=retry_after)
    kind = _BY_STATUS.get(status, ServerFailed if status >= 500 else SensoriumError)
    return kind(detail, status=status, title=title)
