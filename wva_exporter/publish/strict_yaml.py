"""Reading a small YAML file by a schema that its reader spells out, so that every finding names file, line and field.

Values are taken from the node graph as Go's ``yaml.v2`` takes them for a field of known type: any scalar may be text, only
``true``, ``yes``, ``on`` and their opposites are a flag, ``null`` is an absent value. Some texts are secrets: only what should
have been one of a few words is repeated in a finding.
"""

from __future__ import annotations

from collections.abc import Collection

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_CHARACTERS = 1024 * 1024
_NULL, _BOOL = "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"
_TRUE = frozenset({"true", "yes", "on"})


class Fields:
    """The document of a file, and what was found wrong with it so far.

    Fields are named by dotted paths; one that was never read is found by ``mapping``, which is told what may stand there.
    """

    def __init__(self, file: str, text: str) -> None:
        self.findings: list[str] = []
        self._file = file
        self._nodes: dict[str, Node] = {}
        self._nodes_of(text)

    def _nodes_of(self, text: str) -> None:
        if len(text) > MAX_CHARACTERS:
            self.findings.append(f"{self._file}: longer than {MAX_CHARACTERS} characters")
            return
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
            self.findings.append(f"{self._file}{line}: not YAML: {error.problem or error.context}")
        except (yaml.YAMLError, RecursionError):
            self.findings.append(f"{self._file}: not YAML: unreadable characters, or nested too deeply")
        else:
            if root is not None:
                self._nodes[""] = root

    def refuse(self, path: str, message: str) -> None:
        """Add a finding about the field ``path``, at its line if it is there, else at that of what should hold it."""
        holder = path
        while holder and holder not in self._nodes:
            holder = holder.rpartition(".")[0]
        node = self._nodes.get(holder)
        line = f":{node.start_mark.line + 1}" if node is not None else ""
        self.findings.append(f"{self._file}{line}: {path + ': ' if path else ''}{message}")

    def mapping(self, path: str, known: Collection[str] | None = None) -> tuple[str, ...]:
        """The keys below ``path``, none if it is absent; every key that is not ``known`` or stands twice is a finding."""
        node = self._given(path)
        if node is None:
            return ()
        if not isinstance(node, MappingNode):
            self.refuse(path, "must be a mapping of names to values")
            return ()
        keys: list[str] = []
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, ScalarNode) else "?"
            below = f"{path}.{key}" if path else key
            where = f"{self._file}:{key_node.start_mark.line + 1}: {below}"
            if not isinstance(key_node, ScalarNode):
                self.findings.append(f"{where}: a name must be one text")
            elif known is not None and key not in known:
                self.findings.append(f"{where}: unknown key; known are {', '.join(known)}")
            elif below in self._nodes:
                self.findings.append(f"{where}: set twice")
            else:
                self._nodes[below] = value_node
                keys.append(key)
        return tuple(keys)

    def text(self, path: str) -> str:
        """A scalar as it is written, '' where it is absent."""
        node = self._given(path)
        if node is None:
            return ""
        if not isinstance(node, ScalarNode):
            self.refuse(path, "must be one text")
            return ""
        return str(node.value)

    def choice(self, path: str, allowed: Collection[str], default: str) -> str:
        """One of the allowed texts."""
        text = self.text(path) or default
        if text not in allowed:
            self.refuse(path, f"{text[:60]!r} is not allowed: must be one of {', '.join(allowed)}")
            return default
        return text

    def flag(self, path: str, *, default: bool) -> bool:
        """True or false."""
        node = self._given(path)
        if node is None:
            return default
        if node.tag != _BOOL:
            self.refuse(path, "must be true or false")
            return default
        return str(node.value).lower() in _TRUE

    def texts(self, path: str, allowed: Collection[str] | None = None) -> tuple[str, ...] | None:
        """A list of texts, each of them allowed; None where it is absent."""
        node = self._given(path)
        if node is None:
            return None
        if not isinstance(node, SequenceNode):
            self.refuse(path, "must be a list")
            return None
        kept: list[str] = []
        for place, item in enumerate(node.value):
            self._nodes[f"{path}[{place}]"] = item
            text = self.text(f"{path}[{place}]")
            if allowed is not None and text not in allowed:
                self.refuse(f"{path}[{place}]", f"{text[:60]!r} is not allowed: must be one of {', '.join(allowed)}")
            else:
                kept.append(text)
        return tuple(kept)

    def _given(self, path: str) -> Node | None:
        """The node of a field, None where it is absent or null."""
        node = self._nodes.get(path)
        return None if node is None or node.tag == _NULL else node
