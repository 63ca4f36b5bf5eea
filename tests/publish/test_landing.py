"""The page at / shows what is decided and cannot be made to do anything."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from publish.plans import CHEAP, DEAR, V, plan_of

from wva_exporter import __version__
from wva_exporter.errors import Reason
from wva_exporter.publish.landing import landing_page


class Seen(HTMLParser):
    """What a browser would make of a page: its elements, their attributes, and the texts of table cells."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.cells: list[str] = []
        self._in_cell = False
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element; a cell starts empty."""
        self.elements.append((tag, tuple(attrs)))
        self._in_cell = tag == "td"
        if self._in_cell:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave a cell."""
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data: str) -> None:
        """Collect the text of a cell."""
        if self._in_cell:
            self.cells[-1] += data


def shown(*variants: V) -> Seen:
    """The page of a Plan with these variants."""
    return Seen(landing_page(plan_of(*variants), "/metrics"))


def test_the_table_says_what_is_decided_and_why() -> None:
    """One row a variant; unknown is a dash."""
    page = shown(CHEAP, replace(DEAR, target=None, reason=Reason.SOURCE_DOWN))
    assert page.cells[:8] == ["llm", "llama-a100", "meta-llama/Llama-3.1-8B", "A100", "3", "2", "no_headroom", "120"]
    assert page.cells[8:] == ["llm", "llama-h100", "meta-llama/Llama-3.1-8B", "H100", "-", "1", "source_down", "-"]


def test_the_page_names_the_program_and_links_its_other_pages() -> None:
    """As exporters do."""
    page = landing_page(plan_of(), "/prom")
    assert f"wva-exporter {__version__}" in page.decode()
    links = [dict(attributes)["href"] for tag, attributes in Seen(page).elements if tag == "a"]
    assert links == ["/prom", "/api/v1/plan", "/-/healthy", "/-/ready"]


def test_before_the_first_plan_the_page_says_so() -> None:
    """No empty table that would read as no variants."""
    page = landing_page(None, "/metrics")
    assert b"No plan yet" in page
    assert b"<table" not in page


def test_the_page_brings_no_script_and_loads_nothing() -> None:
    """Its content security policy would forbid both."""
    tags = {tag for tag, _ in shown(CHEAP).elements}
    assert not tags & {"script", "img", "link", "iframe", "object", "form"}


anything = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</td></table>", "&lt;b&gt;", "javascript:alert(1)"]
)


@given(anything, anything, anything, anything)
def test_no_name_can_change_the_page(namespace: str, name: str, model: str, accelerator: str) -> None:
    """Whatever somebody calls his variant: the same elements, and his text in their cells."""
    wild = replace(CHEAP, namespace=namespace, name=name, model=model, accelerator=accelerator)
    page = shown(wild)
    assert page.elements == shown(CHEAP).elements
    seen = [text.replace("\r\n", "\n").replace("\r", "\n") for text in (namespace, name, model, accelerator)]
    assert [cell.replace("\r\n", "\n").replace("\r", "\n") for cell in page.cells[:4]] == seen
