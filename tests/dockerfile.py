"""A Dockerfile read as data, and its steps run where no Docker engine is at hand."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: its word in capitals, and the rest."""

    word: str
    text: str

    @property
    def pairs(self) -> dict[str, str]:
        """The names and values of an ENV or LABEL."""
        return dict(part.split("=", 1) for part in shlex.split(self.text))

    @property
    def listed(self) -> list[str]:
        """The words of an ENTRYPOINT or CMD in its JSON form."""
        words: list[str] = json.loads(self.text)
        return words


@dataclass(slots=True)
class Stage:
    """The instructions from one FROM to the next."""

    image: str
    steps: list[Step] = field(default_factory=list)

    def all(self, word: str) -> list[Step]:
        """Every instruction of a kind."""
        return [step for step in self.steps if step.word == word]

    def one(self, word: str) -> Step:
        """The only instruction of a kind."""
        (step,) = self.all(word)
        return step


def stages(path: Path) -> list[Stage]:
    """The stages of a Dockerfile, without comments, lines joined."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, _, text = line.strip().partition(" ")
        if word == "FROM":
            found.append(Stage(text))
        elif word and found:
            found[-1].steps.append(Step(word, text.strip()))
    return found


def carry_out(stage: Stage, context: Path, root: Path, python: Path) -> None:
    """Run a stage's COPY and RUN steps below ``root``, each absolute path of its ENV moved there.

    ``python`` is what the image's ``python3`` would be. Only variables of the stage, and those that reach a package index,
    are there; pip's cache may be used, for hashes decide what is taken from it.
    """
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "python3").symlink_to(python)
    kept = {
        name: value
        for name, value in os.environ.items()
        if re.match(r"PIP_|SSL_|REQUESTS_|https?_proxy|HOME$", name, re.IGNORECASE)
    }
    variables = {**kept, "PATH": f"{root}/bin:/usr/bin:/bin"}
    folder = root / "src"
    folder.mkdir()
    for step in stage.steps:
        if step.word == "ENV":
            moved = {name: f"{root}{value}" if value.startswith("/") else value for name, value in step.pairs.items()}
            variables |= {name: value for name, value in moved.items() if name != "PIP_NO_CACHE_DIR"}
        elif step.word == "COPY":
            *sources, target = step.text.split()
            for source in sources:
                _copy(context / source, folder / target / (Path(source).name if target.endswith("./") else ""))
        elif step.word == "RUN":
            done = subprocess.run(
                ["/bin/sh", "-ec", step.text], cwd=folder, env=variables, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{step.text}\n{done.stdout}\n{done.stderr}"


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)
