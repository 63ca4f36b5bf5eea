"""Data of others, which are not part of this project: where they are, or a skip that says which are missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def third_party(name: str) -> Path:
    """A file or folder of somebody else's data, below the folder that the environment names."""
    folder = os.environ.get("WVA_DATA")
    if folder is None or not (Path(folder) / name).exists():
        pytest.skip(f"needs WVA_DATA/{name}")
    return Path(folder) / name
