"""Short names of accelerators: ``NVIDIA-A100-PCIE-80GB`` is an ``A100`` to everybody who plans with it.

Node labels carry a product name with vendor, family, form factor and memory; costs and inventories are kept by chip.
"""

from __future__ import annotations

import re

_VENDORS = frozenset({"nvidia", "amd", "intel", "habana"})
_FAMILIES = frozenset({"tesla", "geforce", "instinct", "radeon", "quadro"})
_REST = re.compile(
    r"pcie|sxm\d*|hbm\d?\w?|nvl\d*|oam|mega|ac|shared|mig|\d+g(b|ib)?|\dg\.\d+gb",
    re.IGNORECASE,
)
"""Where the chip's own name ends: form factor, memory, sharing."""


def short_name(product: str) -> str:
    """The chip of a product name, without vendor, family, form factor and memory; what is short already stays as it is.

    Separators are ``-``, ``_`` and spaces. A name written in lower case only, as clouds do (``nvidia-h100-80gb``), comes back
    in upper case, so that one chip has one name.
    """
    parts = [part for part in re.split(r"[-_ ]+", product.strip()) if part]
    start = 0
    while start < len(parts) and parts[start].lower() in _VENDORS | _FAMILIES:
        start += 1
    end = start
    while end < len(parts) and not _REST.fullmatch(parts[end]):
        end += 1
    if start == end or (start == 0 and end == len(parts)):
        return product.strip()
    name = "-".join(parts[start:end])
    return name.upper() if product.islower() else name
