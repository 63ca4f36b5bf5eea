"""Kubernetes objects in YAML files, with the line of every field.

Only objects of wanted kinds are turned into values; whatever else lies in the files is passed over. Files may come from
anywhere: their size, depth and the growth of their aliases are bounded, and nothing but plain data is ever built.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_MOST_BYTES = 16 * 2**20
_MOST_VALUES = 500_000
_MOST_DEPTH = 100
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ENDINGS = (".yaml", ".yml", ".json")

Step = str | int


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One object: its file, its fields, and the syntax tree that knows where they stand."""

    file: str
    body: Mapping[str, Any]
    node: yaml.Node

    @property
    def kind(self) -> str:
        """What it is, '' if it does not say."""
        return str(self.body.get("kind") or "")

    def where(self, path: Iterable[Step] = ()) -> str:
        """``file:line`` of a field, or of the innermost part of its path that exists."""
        node = self.node
        for step in path:
            inner = _child(node, step)
            if inner is None:
                break
            node = inner
        return f"{self.file}:{node.start_mark.line + 1}"


def read_documents(paths: Iterable[Path], kinds: Collection[str], findings: list[str]) -> list[Document]:
    """The objects of these kinds in files and directories, also those in lists; what cannot be read becomes a finding.

    A directory stands for the YAML and JSON files in it at any depth; hidden ones are passed over, because a mounted
    ConfigMap keeps its older copies there.
    """
    found: list[Document] = []
    for path in _files(paths, findings):
        try:
            for node in _parse(path):
                found.extend(_objects(str(path), node, kinds))
        except OSError as error:
            findings.append(f"{path}: cannot be read: {error.strerror or error}")
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            findings.append(f"{path}:{line}: is not YAML: {error.problem or error.context}")
        except UnicodeDecodeError as error:
            findings.append(f"{path}: is not UTF-8 text: {error.reason} at byte {error.start}")
        except (ValueError, yaml.YAMLError) as error:
            findings.append(f"{path}: cannot be used: {str(error).splitlines()[0]}")
    return found


def _files(paths: Iterable[Path], findings: list[str]) -> Iterator[Path]:
    for path in dict.fromkeys(paths):
        if not path.is_dir():
            yield path
            continue
        inside = sorted(_inside(path, findings))
        shown = [p for p in inside if not any(part.startswith(".") for part in p.relative_to(path).parts)]
        if not shown and not findings:
            findings.append(f"{path}: holds no file that ends in {', '.join(_ENDINGS)}")
        yield from shown


def _inside(folder: Path, findings: list[str]) -> Iterator[Path]:
    """The files of a folder that could hold objects; one within it that cannot be looked into is a finding, and not empty."""

    def refused(error: OSError) -> None:
        findings.append(f"{error.filename}: cannot be read: {error.strerror}")

    for where, _, names in os.walk(folder, onerror=refused):
        yield from (path for name in names if (path := Path(where, name)).suffix in _ENDINGS and path.is_file())


def _parse(path: Path) -> list[yaml.Node]:
    """The syntax trees of a file, found to be of bearable size."""
    with path.open("rb") as file:
        raw = file.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise ValueError(f"it is larger than {_MOST_BYTES >> 20} MiB")
    text = raw.decode("utf-8-sig")
    _check_depth(text)
    nodes: list[yaml.Node] = list(yaml.compose_all(text, Loader=_LOADER))
    for node in nodes:
        _check_size(node)
        _check_keys(node)  # two objects without a line of dashes between them would be one
    return nodes


def _check_depth(text: str) -> None:
    """Look at the bare events first: building deep trees is recursive, and in libyaml's binding it ends the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MOST_DEPTH:
            raise ValueError(f"it is nested more than {_MOST_DEPTH} levels deep")


def _check_size(root: yaml.Node) -> None:
    """Count values as often as aliases repeat them: a few lines can stand for more than any memory."""
    if any(count > _MOST_VALUES for count, _ in enumerate(_parts(root))):
        raise ValueError(f"it grows beyond {_MOST_VALUES} values")


def _parts(root: yaml.Node) -> Iterator[yaml.Node]:
    """The node and everything in it, aliases as often as they stand there: without end where one holds itself."""
    todo = [root]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, yaml.MappingNode):
            todo.extend(part for pair in node.value for part in pair)
        elif isinstance(node, yaml.SequenceNode):
            todo.extend(node.value)


def _check_keys(node: yaml.Node) -> None:
    """YAML forbids a key that appears twice, and its readers keep the last without a word."""
    seen: set[str] = set()
    for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode) and key.value in seen:
            raise yaml.MarkedYAMLError(problem=f"key {key.value!r} appears twice", problem_mark=key.start_mark)
        seen.update([key.value] if isinstance(key, yaml.ScalarNode) else [])


def _objects(file: str, node: yaml.Node, kinds: Collection[str]) -> Iterator[Document]:
    kind = _child(node, "kind")
    name = kind.value if isinstance(kind, yaml.ScalarNode) else ""
    if name in kinds:
        for part in _parts(node):
            _check_keys(part)
        body = yaml.constructor.SafeConstructor().construct_document(node)
        yield Document(file, body, node)
    elif name.endswith("List"):
        items = _child(node, "items")
        for item in items.value if isinstance(items, yaml.SequenceNode) else ():
            yield from _objects(file, item, kinds)


def _child(node: yaml.Node, step: Step) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        inner: yaml.Node = node.value[step]
        return inner
    return None
