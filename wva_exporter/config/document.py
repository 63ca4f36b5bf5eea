"""YAML text as plain values, with the line on which each of them stands.

PyYAML parses; this module composes, because a composer that knows where it is can say it. Scalars are read by the core
schema of YAML 1.2 (true, null, 10, 0.5; everything else is text, so ``no``, ``on`` and ``1:30`` are text). Only mappings,
sequences and scalars exist: tags are refused, so nothing can be constructed. Depth, size and what aliases add are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml
from yaml.reader import Reader

KeyPath = tuple[str | int, ...]
"""Where a value stands: keys of mappings and places in lists, from the top."""

MAX_CHARACTERS = 8 * 1024 * 1024
MAX_DEPTH = 20
MAX_NODES = 500_000
MAX_ALIASED_NODES = 20_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML was built with it
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII
)
_WORDS: Mapping[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TEXT_TAGS = {"!", "tag:yaml.org,2002:str"}
_MERGE = "<<"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something wrong with the text itself, on a line counted from 1."""

    line: int
    path: KeyPath
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a text says: values, the line of each key and list item, and what is wrong with it.

    ``broken`` means that reading stopped at the last flaw, so that ``data`` is not the whole.
    """

    data: Mapping[str, object] = field(default_factory=dict)
    line: Mapping[KeyPath, int] = field(default_factory=dict)
    flaws: tuple[Flaw, ...] = ()
    broken: bool = False


def read_document(text: str) -> Document:
    """The only document in a text; an empty text is an empty document. Never raises for what the text holds."""
    reader = _Composer()
    data: object = None
    broken = True
    try:
        data = reader.compose(text)
        broken = False
    except _Unreadable as error:
        reader.flaws.append(error.flaw)
    if data is None:
        data = {}
    if not isinstance(data, Mapping):
        kind = "a list" if isinstance(data, tuple) else "a single value"
        reader.flaws.append(Flaw(line=1, path=(), text=f"the file must hold keys such as 'interval: 15s', not {kind}"))
        data, broken = {}, True
    return Document(data=data, line=reader.line, flaws=tuple(reader.flaws), broken=broken)


class _Unreadable(Exception):  # noqa: N818 - never leaves this module
    """Reading cannot go on."""

    def __init__(self, line: int, text: str, path: KeyPath = ()) -> None:
        self.flaw = Flaw(line=line, path=path, text=text)


class _Composer:
    """Turns PyYAML's events into dicts, tuples and scalars, once."""

    def __init__(self) -> None:
        self.line: dict[KeyPath, int] = {}
        self.flaws: list[Flaw] = []
        self._anchors: dict[str, tuple[object, int]] = {}
        self._nodes = 0
        self._aliased = 0
        self._events: Iterator[yaml.Event] = iter(())

    def compose(self, text: str) -> object:
        """The value of the only document, None if there is none."""
        if len(text) > MAX_CHARACTERS:
            raise _Unreadable(1, f"the file is larger than {MAX_CHARACTERS // 1024 // 1024} MiB")
        if bad := Reader.NON_PRINTABLE.search(text):
            line = text.count("\n", 0, bad.start()) + 1
            raise _Unreadable(line, f"the character U+{ord(bad.group()):04X} is not allowed in YAML")
        try:
            return self._only_document(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = min(mark.line + 1, max(len(text.splitlines()), 1)) if mark else 1
            tab = "; indent with spaces, not tabs" if _begins_with_tab(text, line) else ""
            raise _Unreadable(line, f"not valid YAML: {getattr(error, 'problem', 'unreadable')}{tab}") from None

    def _only_document(self, text: str) -> object:
        self._events = yaml.parse(text, Loader=_LOADER)
        value: object = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Unreadable(_line(event), "only one YAML document is allowed in the file")
                value = self._value(next(self._events), (), 0)
        return value

    def _value(self, event: yaml.Event, path: KeyPath, depth: int) -> object:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        before = self._nodes
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _Unreadable(_line(event), f"the file holds more than {MAX_NODES} values")
        if depth > MAX_DEPTH:
            raise _Unreadable(_line(event), f"nested deeper than {MAX_DEPTH} levels")
        self._refuse_tag(event, path)
        value: object
        if isinstance(event, yaml.MappingStartEvent):
            value = self._mapping(path, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(path, depth)
        else:
            assert isinstance(event, yaml.ScalarEvent)
            value = _scalar(event)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = (value, self._nodes - before)
        return value

    def _mapping(self, path: KeyPath, depth: int) -> dict[str, object]:
        own: dict[str, object] = {}
        merged: list[Mapping[str, object]] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise _Unreadable(line, "a key must be plain text", path)
            key = event.value
            place = (*path, key)
            merging = key == _MERGE and event.implicit[0]
            repeated = key in own and not merging
            if repeated:
                self.flaws.append(Flaw(line=line, path=place, text=f"given twice, first on line {self.line[place]}"))
            elif not merging:
                self.line[place] = line
            value = self._value(next(self._events), place, depth + 1)
            if merging:
                merged.extend(self._merge_sources(value, line, path))
            elif not repeated:
                own[key] = value
        for source in merged:  # a key of its own wins, then the earlier source
            own = {**source, **own}
        return own

    def _merge_sources(self, value: object, line: int, path: KeyPath) -> list[Mapping[str, object]]:
        sources = value if isinstance(value, tuple) else (value,)
        good = [source for source in sources if isinstance(source, Mapping)]
        if len(good) != len(sources):
            self.flaws.append(Flaw(line=line, path=path, text="'<<' must name mappings"))
        return good

    def _sequence(self, path: KeyPath, depth: int) -> tuple[object, ...]:
        items: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            place = (*path, len(items))
            self.line[place] = _line(event)
            items.append(self._value(event, place, depth + 1))
        return tuple(items)

    def _alias(self, event: yaml.AliasEvent, path: KeyPath) -> object:
        if event.anchor not in self._anchors:
            raise _Unreadable(_line(event), f"the alias *{event.anchor} names no value that ends before it", path)
        value, size = self._anchors[event.anchor]
        self._nodes += size
        self._aliased += size
        if self._aliased > MAX_ALIASED_NODES:
            raise _Unreadable(_line(event), f"aliases stand for more than {MAX_ALIASED_NODES} values", path)
        return value

    def _refuse_tag(self, event: yaml.Event, path: KeyPath) -> None:
        tag = getattr(event, "tag", None)
        allowed = _TEXT_TAGS if isinstance(event, yaml.ScalarEvent) else ()
        if tag is not None and tag not in allowed:
            self.flaws.append(
                Flaw(line=_line(event), path=path, text="tags such as !!python or !include are not supported")
            )


def _scalar(event: yaml.ScalarEvent) -> object:
    """A plain scalar by the core schema; a quoted or tagged one is text."""
    text = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(re.sub(r"\.(?=[a-zA-Z])", "", text))  # Python writes .inf and .nan without the point
    return text


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark is not None else 1


def _begins_with_tab(text: str, line: int) -> bool:
    """Whether the indentation of a line holds a tab, the mistake behind most unclear messages."""
    return re.match(r"[ ]*\t", "".join(text.splitlines()[line - 1 : line])) is not None
