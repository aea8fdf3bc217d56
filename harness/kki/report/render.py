"""Every document of a finished run at once: name of the file → its bytes. Pure: reads no disk, writes none."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kki.model.exchange import Record
from kki.model.run import Run
from kki.report.har import har
from kki.report.html import report_html
from kki.report.junit import junit
from kki.report.markdown import summary_markdown, traceability_markdown
from kki.report.sheet import sheet_csv, sheet_xlsx
from kki.report.traceability import traceability_csv

RecordsFactory = Callable[[], Iterable[Record]]  # called afresh by each document, so that none need hold them all


def render(run: Run, records: RecordsFactory, lang: str = "en") -> dict[str, bytes]:
    """`records()` gives the redacted records in the order of recording; `lang` ("en", "id") is for people's pages.

    What scripts read (JUnit, HAR, CSV) does not change with the language. ValueError for an unknown language.
    """
    return {
        "report.html": _bytes(report_html(run, records(), lang=lang)),
        "junit.xml": junit(run),
        "summary.md": _bytes(summary_markdown(run)),
        "exchanges.har": har(run, records()),
        "traceability.csv": traceability_csv(run),
        "traceability.md": _bytes(traceability_markdown(run)),
        "functional-test.xlsx": sheet_xlsx(run, records(), lang=lang),
        "functional-test.csv": sheet_csv(run, records()),
    }


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
