"""One chip has one name, whoever spells it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva_exporter.discovery.accelerators import short_name


@pytest.mark.parametrize(
    ("product", "chip"),
    [
        ("NVIDIA-A100-PCIE-80GB", "A100"),
        ("NVIDIA-A100-80GB-PCIe", "A100"),
        ("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", "A100"),
        ("NVIDIA-H100-80GB-HBM3", "H100"),
        ("NVIDIA-H100-NVL", "H100"),
        ("NVIDIA-H200", "H200"),
        ("NVIDIA-B300-SXM6-AC", "B300"),
        ("NVIDIA-GH200-480GB", "GH200"),
        ("NVIDIA-L4-SHARED", "L4"),
        ("Tesla-T4", "T4"),
        ("Tesla-V100-SXM2-16GB", "V100"),
        ("NVIDIA-RTX-A6000", "RTX-A6000"),
        ("NVIDIA-GeForce-RTX-5090", "RTX-5090"),
        ("nvidia-h100-mega-80gb", "H100"),
        ("nvidia-tesla-t4", "T4"),
        ("nvidia-l4", "L4"),
        ("AMD-MI300X-192G", "MI300X"),
        ("AMD_Instinct_MI300X_OAM", "MI300X"),
        ("Intel-Gaudi-2-96GB", "Gaudi-2"),
        ("Max_1100", "Max_1100"),
        ("H100", "H100"),
        ("Gaudi-2", "Gaudi-2"),
        ("my-own-chip", "my-own-chip"),
        ("NVIDIA", "NVIDIA"),
        ("", ""),
    ],
)
def test_product_names_become_chips(product: str, chip: str) -> None:
    """Vendor, family, form factor and memory go; what is short already stays."""
    assert short_name(product) == chip


@given(st.lists(st.sampled_from(["NVIDIA", "tesla", "A100", "PCIE", "80GB", "Gaudi", "2", "x"]), max_size=5))
def test_a_short_name_is_not_shortened_again(parts: list[str]) -> None:
    """Names may pass through any number of hands."""
    once = short_name("-".join(parts))
    assert short_name(once) in (once, once.upper())
