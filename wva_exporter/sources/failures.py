"""Why a question to Prometheus got no usable answer, in closed classes, and which of these are worth a second try."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from types import MappingProxyType

import aiohttp
import msgspec

from wva_exporter.errors import QueryFailure, WvaError

RETRY_AFTER_SECONDS: Mapping[QueryFailure, float] = MappingProxyType(
    {
        QueryFailure.CONNECTION_REFUSED: 0.25,
        QueryFailure.CONNECTION_FAILED: 0.05,  # mostly a kept connection that the other side had closed
        QueryFailure.DNS_ERROR: 0.25,
        QueryFailure.SERVER_ERROR: 0.25,
        QueryFailure.THROTTLED: 1.0,  # or what the answer's Retry-After says
    }
)
"""What is asked again, once and if the deadline allows, and after how long. The rest would only fail again: a query that is
wrong, an answer that is no answer, a certificate; and a time-out has used up the time."""

_DETAIL_CHARACTERS = 200
_BY_ERROR_TYPE = {
    "timeout": QueryFailure.TIMEOUT,
    "canceled": QueryFailure.CANCELED,
    "execution": QueryFailure.EXECUTION_ERROR,
    "bad_data": QueryFailure.BAD_DATA,
    "internal": QueryFailure.SERVER_ERROR,
    "unavailable": QueryFailure.SERVER_ERROR,
}
_BY_STATUS: Mapping[int, QueryFailure] = {
    HTTPStatus.UNAUTHORIZED: QueryFailure.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN: QueryFailure.UNAUTHORIZED,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: QueryFailure.UNAUTHORIZED,
    HTTPStatus.UNPROCESSABLE_ENTITY: QueryFailure.EXECUTION_ERROR,
    HTTPStatus.TOO_MANY_REQUESTS: QueryFailure.THROTTLED,
}


class BadAnswer(WvaError):  # noqa: N818 - reads as what it is
    """One question without a usable answer: its class, one line for people, and when to try again if the other side said."""

    def __init__(self, failure: QueryFailure, detail: str, retry_after_seconds: float | None = None) -> None:
        self.failure = failure
        self.detail = one_line(detail)
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{failure}: {self.detail}")

    @property
    def pause_seconds(self) -> float | None:
        """How long to wait before a second try; None: there is none."""
        usual = RETRY_AFTER_SECONDS.get(self.failure)
        return usual if usual is None or self.retry_after_seconds is None else max(usual, self.retry_after_seconds)


class ApiError(msgspec.Struct, rename="camel"):
    """What the API says of its own failure."""

    error_type: str = ""
    error: str = ""


def one_line(text: str) -> str:
    """Foreign text that can stand in a log line or a page: bounded, and without control characters."""
    clean = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).strip()
    return clean if len(clean) <= _DETAIL_CHARACTERS else clean[: _DETAIL_CHARACTERS - 1] + "…"


def of_status(status: int, headers: Mapping[str, str], body: bytes) -> BadAnswer:
    """An answer whose status is not 200; a body that is the API's own JSON may say more than the status."""
    try:
        said = msgspec.json.decode(body, type=ApiError)
    except (ValueError, RecursionError):
        said = ApiError()
    detail = f"{_named(status)}: {said.error}" if said.error else _named(status)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return BadAnswer(QueryFailure.UNKNOWN, f"{detail}: redirects are not followed, give the final url")
    failure = _BY_STATUS.get(status) or _BY_ERROR_TYPE.get(said.error_type)
    if failure is None:
        server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        failure = QueryFailure.SERVER_ERROR if server else QueryFailure.BAD_DATA
    return BadAnswer(failure, detail, _seconds(headers.get("Retry-After", "")))


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"status {status}"


def of_error_type(said: ApiError) -> BadAnswer:
    """An error that came with status 200."""
    return BadAnswer(_BY_ERROR_TYPE.get(said.error_type, QueryFailure.UNKNOWN), said.error or "an error without a word")


def of_exception(error: Exception) -> BadAnswer:
    """What broke before there was an answer. Texts are ours or the system's: a URL and its headers are in none."""
    return BadAnswer(*_broken(error))


def _broken(error: Exception) -> tuple[QueryFailure, str]:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError | ssl.CertificateError):
            return QueryFailure.TLS_ERROR, str(cause)
        if isinstance(cause, ConnectionRefusedError):
            return QueryFailure.CONNECTION_REFUSED, "connection refused"
    match error:
        case aiohttp.ClientConnectorDNSError():
            return QueryFailure.DNS_ERROR, f"no address for {error.host}"
        case aiohttp.ClientConnectorError():
            detail = f"no connection: {error.os_error.strerror or repr(error.os_error)}"
        case aiohttp.ClientResponseError():
            return QueryFailure.PARSE_ERROR, f"not HTTP as we know it: {error.message}"
        case aiohttp.ClientError() | OSError():
            detail = str(error) or type(error).__name__
        case _:
            return QueryFailure.UNKNOWN, f"{type(error).__name__}: {error}"
    return QueryFailure.CONNECTION_FAILED, detail


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    for _ in range(10):
        if current is None:
            return
        yield current
        current = getattr(current, "os_error", None) or current.__cause__ or current.__context__


def _seconds(text: str) -> float | None:
    """Seconds of a Retry-After header; a date is not understood and treated as none."""
    return float(text) if re.fullmatch(r"\d{1,6}", text.strip()) else None
