"""The kinds of values that keys take, each refusing what it cannot be. Messages say what is allowed, never what was given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import urlsplit

import re2
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    SerializerFunctionWrapHandler,
    Strict,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    WrapSerializer,
)

from wva_exporter.config.durations import PATTERN, format_duration, parse_duration

FOLDER = "folder"
"""Key of the validation context under which the folder stands that relative paths of the file begin at."""

MOST = 1_000_000
"""No fleet has more replicas, GPUs or waiting requests; keeps sums and products of settings finite."""


def _seconds(value: object) -> float:
    if isinstance(value, str):
        seconds = parse_duration(value)
        if seconds <= 0:
            raise ValueError("must be longer than 0s")
        return seconds
    hint = f"; a number needs its unit: {value}s" if isinstance(value, int) and not isinstance(value, bool) else ""
    raise ValueError(f"must be a duration such as 500ms, 15s, 10m or 1h30m{hint}")


def _at_least_a_second(seconds: float) -> float:
    if seconds < 1:
        raise ValueError("must be at least 1s")
    return seconds


def _regex(pattern: str) -> str:
    """RE2, as in Prometheus: no pattern can keep a cycle busy for ever."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        text = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"must be a regular expression (RE2): {text}") from None
    return pattern


def _path(value: object, info: ValidationInfo) -> Path:
    if isinstance(value, Path):
        return value  # given by a flag: relative to where the program runs
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError("must be the path of a file")
    folder: Path = (info.context or {}).get(FOLDER, Path())
    return folder / value


def _web_url(text: str) -> str:
    if not text.isprintable() or " " in text:
        raise ValueError("must be a URL without spaces")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("must be a URL such as http://prometheus:9090") from None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("must be a URL that begins with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("must be a URL without user name and password in it")
    if not parts.hostname or port == 0:
        raise ValueError("must be a URL that names a host, and a port from 1 to 65535 if any")
    if parts.fragment:
        raise ValueError("must be a URL without '#'")
    return text


def _base_url(text: str) -> str:
    if "?" in _web_url(text):
        raise ValueError("must be a URL without '?'")
    return text


_HOST_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})", re.ASCII)


def _target(text: str) -> str:
    if "://" in text:
        return _web_url(text)
    match = _HOST_PORT.fullmatch(text)
    if match is None or not 1 <= int(match.group(1)) <= 65535:  # noqa: PLR2004 - the ports of TCP
        raise ValueError("must be host:port, or a URL such as https://host/metrics")
    return text


def _printable(text: str) -> str:
    if text != text.strip() or not text.isprintable():
        raise ValueError("must be text without spaces around it and without control characters")
    return text


def _matching(pattern: str, allowed: str) -> AfterValidator:
    compiled = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"must be {allowed}")
        return text

    return AfterValidator(check)


def _not_managed(name: str) -> str:
    if name.lower() == "authorization":
        raise ValueError("must not be Authorization: give bearer_token_file or basic_auth")
    if name.lower() in {"host", "connection", "content-length", "content-type", "accept-encoding", "transfer-encoding"}:
        raise ValueError("must not be a header that the client sets itself")
    return name


def _one_line(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.isprintable() or not text.isascii():
        raise ValueError("must be one line of ASCII text")
    return value


def _thawed(value: Mapping[Any, Any], handler: SerializerFunctionWrapHandler) -> Any:
    return handler(dict(value))


Frozen = (AfterValidator(MappingProxyType), WrapSerializer(_thawed))
"""What makes a mapping as unchangeable as the settings that hold it."""

_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": PATTERN, "x-kind": "duration"})

Duration = Annotated[
    float, BeforeValidator(_seconds), PlainSerializer(format_duration, when_used="json"), _DURATION_SCHEMA
]
"""Seconds, from a Prometheus duration longer than 0s."""

Period = Annotated[Duration, AfterValidator(_at_least_a_second)]
"""Seconds, at least one: what something is done again after."""

Text = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=253), AfterValidator(_printable)]
"""A name; 253 characters is the longest that Kubernetes has."""

LabelName = Annotated[str, Strict(), _matching(r"[A-Za-z_][A-Za-z0-9_]*", "a label name: letters, digits, _")]
LabelValue = Annotated[str, Strict(), StringConstraints(max_length=2048)]
HeaderName = Annotated[
    str,
    Strict(),
    _matching(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "an HTTP header name"),
    AfterValidator(_not_managed),
]
HeaderValue = Annotated[SecretStr, AfterValidator(_one_line)]
Regex = Annotated[
    str,
    Strict(),
    StringConstraints(min_length=1, max_length=1024),
    AfterValidator(_regex),
    WithJsonSchema({"type": "string", "minLength": 1, "x-kind": "regular expression"}),
]
"""A regular expression that must match a whole label value."""

FilePath = Annotated[Path, BeforeValidator(_path), WithJsonSchema({"type": "string", "minLength": 1, "x-kind": "path"})]
"""A path; a relative one begins at the folder of the file that names it."""

_URL_SCHEMA = WithJsonSchema({"type": "string", "pattern": "^https?://[^@]+$", "x-kind": "URL"})
BaseUrl = Annotated[str, Strict(), AfterValidator(_base_url), _URL_SCHEMA]
WebUrl = Annotated[str, Strict(), AfterValidator(_web_url), _URL_SCHEMA]
Target = Annotated[
    str,
    Strict(),
    AfterValidator(_target),
    WithJsonSchema({"type": "string", "minLength": 1, "x-kind": "host:port or URL"}),
]

Flag = Annotated[bool, Strict()]
Count = Annotated[int, Strict(), Field(ge=0, le=MOST)]
PositiveCount = Annotated[int, Strict(), Field(ge=1, le=MOST)]
WholeNumber = Annotated[
    int, Strict(), Field(le=MOST), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST})
]
"""A count whose least is said by the section, because another key raises it."""
Requests = Annotated[float, Strict(), Field(ge=0, le=MOST, allow_inf_nan=False)]
Share = Annotated[float, Strict(), Field(gt=0, le=1, allow_inf_nan=False)]
ShareOrNone = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]
ShareBelowOne = Annotated[float, Strict(), Field(ge=0, lt=1, allow_inf_nan=False)]
Priority = Annotated[float, Strict(), Field(gt=0, le=MOST, allow_inf_nan=False)]
Percentile = Annotated[float, Strict(), Field(gt=0, lt=100, allow_inf_nan=False)]
Money = Annotated[float, Strict(), Field(ge=0, le=1e9, allow_inf_nan=False)]
