"""`report.html`: whole, self-contained, and blind to what strangers write into it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from kki.model.exchange import Record
from kki.model.run import Run
from kki.model.verdict import Overall
from kki.report.html import MOST_EXCHANGES, differences, report_html
from kki.report.texts import LANGUAGES, texts

LOADING = {"src", "srcset", "data", "poster", "background", "action", "formaction", "manifest", "ping"}


class Page(HTMLParser):
    """Elements and attributes as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] or "" for _, attrs in self.elements if "id" in attrs]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture(scope="module", params=["check", "certify", "judge"])
def page(request: pytest.FixtureRequest, made: tuple[Callable[..., Run], Callable[..., tuple[Record, ...]]]) -> Page:
    make_run, make_records = made
    return Page(report_html(make_run(request.param), make_records()))


def test_every_element_is_closed_and_no_id_is_given_twice(page: Page) -> None:
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    assert not [(tag, attrs) for tag, attrs in page.elements if LOADING & attrs.keys()]
    assert not [tag for tag, _ in page.elements if tag in ("link", "img", "iframe", "object", "embed", "base", "form")]
    policy = next(attrs for tag, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in (policy["content"] or "")


def test_the_only_script_is_ours_and_no_element_carries_one(page: Page) -> None:
    assert len([tag for tag, _ in page.elements if tag == "script"]) == 1
    assert not [attrs for _, attrs in page.elements if any(name.startswith("on") for name in attrs)]


def test_links_stay_in_the_page_or_go_to_the_documents_by_https(page: Page) -> None:
    links = {attrs["href"] or "" for tag, attrs in page.elements if tag == "a"}
    inside = {link for link in links if link.startswith("#")}
    assert {link[1:] for link in inside} <= set(page.ids), "a link leads nowhere"
    assert all(link.startswith("https://developers.doku.com/") for link in links - inside)


def test_deep_links_to_requirement_and_exchange_survive(page: Page) -> None:
    assert {"KKI-SIG-010", "KKI-SIG-110", "x7", "x17", "fix", "areas", "timeline", "open", "power"} <= set(page.ids)


def test_hostile_text_is_shown_and_means_nothing(page: Page, hostile: tuple[str, ...]) -> None:
    assert hostile[0] in page.text
    assert "img src=x onerror=alert(1)" in page.text
    assert "{{ 7*7 }}" in page.text
    assert "⟨U+202E⟩" in page.text
    assert "\\x00\\x01" in page.text
    assert "\u202e" not in page.text


def test_the_page_says_what_failed_whose_fault_which_clause_and_what_next(
    made: tuple[Callable[..., Run], Callable[..., tuple[Record, ...]]],
) -> None:
    page = Page(report_html(made[0]("check"), made[1]()))
    for said in (
        "Does not conform",
        "Violated requirements: 4.",
        "At fault: the server",
        "2. Binding › Header parameters › X-SIGNATURE",
        "the server does not compare the signature, or compares it over another body",
        "kki replay reports/20261122T100000-127.0.0.1-9000 --exchange x7",
        "Next step:",
        "a binding under CHANNEL-ID H2H",
        "the profile has no H2H card",
        "the shared key, without which no card data opens",
        "83 of 84 wrong servers caught",
        "string to sign",
        "known, ticket 123 (until 2027-01-31)",
    ):
        assert said in page.text, said


def test_what_the_baseline_carries_is_said(run: Run, records: tuple[Record, ...]) -> None:
    rows = tuple(
        replace(row, carried="ticket 9, Budi, until 2027-03-01") if row.id == "KKI-SIG-110" else row
        for row in run.requirements
    )
    text = Page(report_html(replace(run, requirements=rows), records)).text
    assert "Carried by the baseline: ticket 9, Budi, until 2027-03-01" in text


def test_a_partial_run_says_so_in_each_language(run: Run, records: tuple[Record, ...]) -> None:
    partial = replace(run, partial=True, overall=Overall.INCOMPLETE)
    assert "Partial: the run was interrupted" in Page(report_html(partial, records)).text
    assert "Sebagian: pengujian terhenti" in Page(report_html(partial, records, lang="id")).text


def test_bahasa_indonesia_translates_our_words_and_leaves_the_evidence(run: Run, records: tuple[Record, ...]) -> None:
    text = report_html(run, records, lang="id")
    assert '<html lang="id">' in text
    assert "Tidak sesuai" in text
    assert "Does not conform" not in text
    assert "200 2005400 Successful" in text


def test_both_languages_have_the_same_strings_and_places_to_fill() -> None:
    tables = [texts(lang) for lang in LANGUAGES]
    assert tables[0].keys() == tables[1].keys()
    for key in tables[0]:
        places = [sorted(re.findall(r"\{(\w+)\}", table[key])) for table in tables]
        assert places[0] == places[1], key


def test_an_unknown_language_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="en, id but got lang='fr'"):
        texts("fr")


def test_of_many_exchanges_those_with_findings_stay(run: Run, records_of: Callable[[int], tuple[Record, ...]]) -> None:
    many = records_of(MOST_EXCHANGES + 200)
    moved = (*many[60:], *many[:60])  # what was found comes last
    page = Page(report_html(run, moved))
    assert {"x7", "x8", "x9", "x29"} <= set(page.ids)
    assert (
        len([tag for tag, attrs in page.elements if "exchange" in (attrs.get("class") or "").split()]) == MOST_EXCHANGES
    )
    assert f"{MOST_EXCHANGES} of {MOST_EXCHANGES + 200} exchanges are shown here" in page.text


def test_a_run_without_exchanges_or_verdicts_is_a_page_too(run: Run) -> None:
    page = Page(report_html(replace(run, requirements=(), cases=(), power=None, areas={}), ()))
    assert "No exchange was recorded." in page.text
    assert "No measurement of the suite's own power" in page.text


def test_a_document_address_that_is_no_https_becomes_no_link(run: Run, records: tuple[Record, ...]) -> None:
    bad = replace(run.documents["page"], url="javascript:alert(1)")
    page = Page(report_html(replace(run, documents={"page": bad}), records))
    assert not [attrs for tag, attrs in page.elements if tag == "a" and not (attrs["href"] or "").startswith("#")]


@pytest.mark.parametrize(
    ("expected", "actual", "marked"),
    [
        ("4015400", "4015401", ("0", "1")),
        ("a reply within 10 s", "timeout", None),
        ("same", "same", None),
        ("1" * 300, "1" * 299 + "2", None),
    ],
)
def test_a_difference_is_marked_where_it_can_be_seen(
    expected: str, actual: str, marked: tuple[str, str] | None
) -> None:
    found = differences(expected, actual)
    shown = found and tuple("".join(text for text, differs in side if differs) for side in found)
    assert shown == marked
