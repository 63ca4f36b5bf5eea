"""The shipped catalogue of accelerators and models, and files that are laid over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, Strict, ValidationError, WithJsonSchema

from wva_exporter.config.document import read_document
from wva_exporter.config.findings import Input, findings
from wva_exporter.config.load import read_text
from wva_exporter.config.section import Given, Problem, Section, number_of
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


def _month(text: str) -> str:
    """A month or a day of some year.

    Raises:
        ValueError: it is neither.
    """
    try:
        date.fromisoformat(text if len(text) > len("2026-05") else f"{text}-01")
    except ValueError:
        raise ValueError("must be a month such as 2026-05") from None
    return text


def _three(spread: tuple[float, ...]) -> tuple[float, ...]:
    if len(spread) != len(MEASURED_SPREAD):
        raise ValueError("must be three numbers, of alpha, beta and gamma")
    return spread


Name = Annotated[str, Field(min_length=1, max_length=500)]
Month = Annotated[
    str,
    BeforeValidator(str),
    AfterValidator(_month),
    WithJsonSchema({"type": "string", "enum": ["a month such as 2026-05", "a day such as 2026-05-31"]}),
]

# What some machine might have, and far beyond: a typo by a few digits is found, and no sum or quotient of these overflows.
Gigabytes = Annotated[float, Strict(), Field(ge=0.1, le=1e5, allow_inf_nan=False)]
GigabytesPerSecond = Annotated[float, Strict(), Field(ge=1, le=1e6, allow_inf_nan=False)]
Teraflops = Annotated[float, Strict(), Field(ge=0.1, le=1e6, allow_inf_nan=False)]
Watts = Annotated[float, Strict(), Field(gt=0, le=1e5, allow_inf_nan=False)]
Money = Annotated[float, Strict(), Field(ge=0, le=1e9, allow_inf_nan=False)]
Billions = Annotated[float, Strict(), Field(ge=1e-3, le=1e5, allow_inf_nan=False)]
Bytes = Annotated[float, Strict(), Field(ge=1, le=1e9, allow_inf_nan=False)]
IterationMs = Annotated[float, Strict(), Field(ge=1e-3, le=1e5, allow_inf_nan=False)]
TokenMs = Annotated[float, Strict(), Field(ge=1e-12, le=1e3, allow_inf_nan=False)]
Spread = Annotated[float, Strict(), Field(ge=1e-3, le=10, allow_inf_nan=False)]


class _Power(Section):
    idle_watts: Watts | None = None
    mid_watts: Watts | None = None
    full_watts: Watts
    mid_utilization_ratio: Annotated[float, Strict(), Field(gt=0, lt=1)] = 0.6

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """A card that does more draws no less."""
        curve = [(name, number_of(given, name)) for name in ("idle_watts", "mid_watts", "full_watts")]
        known = [(name, watts) for name, watts in curve if watts is not None]
        for (_, less), (name, more) in pairwise(known):
            if less > more:
                yield (name,), f"must be at least {less:g}, what the card draws when it does less"


class _Price(Section):
    per_hour: Money
    currency: Name
    as_of: Month
    source: Name


class _Accelerator(Section):
    name: Name
    aliases: tuple[Name, ...] = ()
    memory_gb: Gigabytes
    bandwidth_gb_per_second: GigabytesPerSecond
    bf16_tflops: Teraflops
    power: _Power | None = None
    price: _Price | None = None


class _Model(Section):
    name: Name
    aliases: tuple[Name, ...] = ()
    parameters_billion: Billions
    active_billion: Billions | None = None
    kv_bytes_per_token: Bytes

    @classmethod
    def problems(cls, given: Given) -> Iterable[Problem]:
        """A token meets no more parameters than there are."""
        whole, active = number_of(given, "parameters_billion"), number_of(given, "active_billion")
        if whole is not None and active is not None and active > whole:
            yield ("active_billion",), f"must be at most parameters_billion, {whole:g}"


class _Profile(Section):
    """A measured pair; what ``wva-exporter fit`` reports beside the parameters is for people and not read."""

    model: Name
    accelerator: Name
    gpus: Annotated[int, Strict(), Field(ge=1, le=1024)] = 1
    alpha_ms: IterationMs
    beta_ms: TokenMs
    gamma_ms: TokenMs
    spread: Annotated[tuple[Spread, ...], AfterValidator(_three)] = MEASURED_SPREAD
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
    read = Input(name=name, document=document, flags={}, data=document.data, file=_File)
    if document.flaws:
        raise ConfigError(findings(read, ()))
    try:
        given = _File.model_validate(document.data)
    except ValidationError as error:
        raise ConfigError(findings(read, error.errors(include_url=False))) from None
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
    alpha, beta, gamma = entry.spread
    return Profile(**entry.model_dump(exclude={"report", "spread"}), spread=(alpha, beta, gamma))
