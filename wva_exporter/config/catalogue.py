"""The shipped catalogue of accelerators and models, and files that are laid over it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from wva_exporter.config.document import read_document
from wva_exporter.config.findings import dotted, printable
from wva_exporter.config.load import read_text
from wva_exporter.config.section import Section
from wva_exporter.core.catalogue import (
    MEASURED_SPREAD,
    Accelerator,
    Catalogue,
    LanguageModel,
    PowerCurve,
    Price,
    Profile,
)
from wva_exporter.errors import ConfigError

SHIPPED = ("accelerators.yaml", "models.yaml")

Positive = Annotated[float, Field(gt=0, lt=1e15, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=500)]
Month = Annotated[str, BeforeValidator(str), Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")]


class _Power(Section):
    idle_watts: Positive | None = None
    mid_watts: Positive | None = None
    full_watts: Positive
    mid_utilization_ratio: Annotated[float, Field(gt=0, lt=1)] = 0.6


class _Price(Section):
    per_hour: Annotated[float, Field(ge=0, lt=1e9)]
    currency: Name
    as_of: Month
    source: Name


class _Accelerator(Section):
    name: Name
    aliases: tuple[Name, ...] = ()
    memory_gb: Positive
    bandwidth_gb_per_second: Positive
    bf16_tflops: Positive
    power: _Power | None = None
    price: _Price | None = None


class _Model(Section):
    name: Name
    aliases: tuple[Name, ...] = ()
    parameters_billion: Positive
    active_billion: Positive | None = None
    kv_bytes_per_token: Positive


class _Profile(Section):
    """A measured pair; what ``wva-exporter fit`` reports beside the parameters is for people and not read."""

    model: Name
    accelerator: Name
    gpus: Annotated[int, Field(ge=1, le=1024)] = 1
    alpha_ms: Positive
    beta_ms: Positive
    gamma_ms: Positive
    spread: tuple[Positive, Positive, Positive] = MEASURED_SPREAD
    source: Name
    report: Any = None


class _File(Section):
    accelerators: tuple[_Accelerator, ...] = ()
    models: tuple[_Model, ...] = ()
    profiles: tuple[_Profile, ...] = ()


def load_catalogue(overrides: Sequence[Path] = ()) -> Catalogue:
    """The shipped entries with those of files laid over them, in their order.

    Raises:
        ConfigError: a file cannot be read or is refused; every finding is one line.
    """
    folder = files("wva_exporter") / "profiles"
    catalogue = Catalogue(accelerators=(), models=(), profiles=())
    for name in SHIPPED:
        catalogue = catalogue.laid_over(parse_catalogue((folder / name).read_text(encoding="utf-8"), name))
    for path in overrides:
        catalogue = catalogue.laid_over(parse_catalogue(read_text(path), str(path)))
    return catalogue


def parse_catalogue(text: str, name: str) -> Catalogue:
    """The entries of one file.

    Raises:
        ConfigError: the text is refused; every finding is one line.
    """
    document = read_document(text)
    if document.flaws:
        raise ConfigError([_line(name, flaw.line, flaw.path, flaw.text) for flaw in document.flaws])
    try:
        given = _File.model_validate(document.data)
    except ValidationError as error:
        found = []
        for details in error.errors(include_url=False):
            path = details["loc"]
            known = [path[:n] for n in range(len(path), 0, -1) if path[:n] in document.line]
            found.append(_line(name, document.line[known[0]] if known else 1, path, details["msg"]))
        raise ConfigError(found) from None
    return Catalogue(
        accelerators=tuple(_accelerator(entry) for entry in given.accelerators),
        models=tuple(_model(entry) for entry in given.models),
        profiles=tuple(_profile(entry) for entry in given.profiles),
    )


def _accelerator(entry: _Accelerator) -> Accelerator:
    plain = entry.model_dump(exclude={"power", "price"})
    power = PowerCurve(**entry.power.model_dump()) if entry.power else None
    price = Price(**entry.price.model_dump()) if entry.price else None
    return Accelerator(**plain, power=power, price=price)


def _model(entry: _Model) -> LanguageModel:
    active = entry.active_billion or entry.parameters_billion
    return LanguageModel(**entry.model_dump(exclude={"active_billion"}), active_billion=active)


def _profile(entry: _Profile) -> Profile:
    return Profile(**entry.model_dump(exclude={"report"}))


def _line(name: str, line: int, path: tuple[str | int, ...], text: str) -> str:
    return printable(": ".join(part for part in (f"{name}:{line}", dotted(path), text) if part))
