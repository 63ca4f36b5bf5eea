"""The way from a file and flags to ``Settings``, or to every finding at once."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from wva_exporter.config.document import MAX_CHARACTERS, KeyPath, read_document
from wva_exporter.config.findings import Input, findings, printable
from wva_exporter.config.scalars import FOLDER
from wva_exporter.config.schema import Settings
from wva_exporter.errors import ConfigError

NO_OVERRIDES: Mapping[str, object] = MappingProxyType({})


def load(path: Path | None, overrides: Mapping[str, object] = NO_OVERRIDES) -> Settings:
    """Settings from a file, or from the defaults, with flags laid over them.

    Args:
        path: the file; None where there is none.
        overrides: values by dotted key (``prometheus.url``), which win over the file; None is a flag not given. A ``Path``
            is relative to where the program runs, while paths in the file are relative to its folder.

    Raises:
        ConfigError: the file cannot be read or is refused; every finding is one line.
    """
    if path is None:
        return parse("", "flags", overrides)
    return parse(read_text(path), str(path), overrides)


def parse(text: str, name: str, overrides: Mapping[str, object] = NO_OVERRIDES) -> Settings:
    """Settings from the text of a file called ``name``.

    Raises:
        ConfigError: the text is refused; every finding is one line.
    """
    document = read_document(text)
    flags: dict[KeyPath, object] = {
        tuple(key.split(".")): value for key, value in overrides.items() if value is not None
    }
    data = document.data
    for path, value in flags.items():
        data = _laid_over(data, path, value)
    given = Input(name=name, document=document, flags=flags, data=data)
    if document.broken:  # what would be said of a part is not true of the whole
        raise ConfigError(findings(given, ()))
    try:
        settings = Settings.model_validate(data, context={FOLDER: Path(name).parent})
    except ValidationError as error:
        raise ConfigError(findings(given, error.errors(include_url=False))) from None
    if document.flaws:
        raise ConfigError(findings(given, ()))
    return settings


def _laid_over(data: Mapping[str, object], path: KeyPath, value: object) -> Mapping[str, object]:
    """The same data with one value replaced; unchanged where something else than a section is in the way."""
    key, *rest = path
    if not rest:
        return {**data, str(key): value}
    inner = data.get(str(key))
    if inner is None:
        inner = {}
    if not isinstance(inner, Mapping):
        return data
    return {**data, str(key): _laid_over(inner, tuple(rest), value)}


def read_text(path: Path) -> str:
    """The text of a file that a person wrote.

    Raises:
        ConfigError: it cannot be read, is too large or is no UTF-8.
    """
    name = printable(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CHARACTERS + 1)
    except IsADirectoryError:
        raise ConfigError([f"{name}: is a folder, not a file"]) from None
    except FileNotFoundError:
        raise ConfigError([f"{name}: no such file"]) from None
    except OSError as error:
        raise ConfigError([f"{name}: cannot be read: {error.strerror or error}"]) from None
    except ValueError:  # a null byte in the name
        raise ConfigError([f"{name}: no such file"]) from None
    if len(content) > MAX_CHARACTERS:
        raise ConfigError([f"{name}: is larger than {MAX_CHARACTERS // 1024 // 1024} MiB"])
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{name}:{line}: is not UTF-8 text"]) from None
