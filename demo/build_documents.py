"""Build demo/documents/ from demo/sources/: the same texts in the file formats people really upload.

Run it after editing a source: `python demo/build_documents.py`. The results are committed, so that seeding
the demo needs none of the writers. Rebuilding unchanged sources gives the same bytes.
"""

import csv
import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from docx import Document
from openpyxl import Workbook
from openpyxl.styles import Font
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate

HERE = Path(__file__).parent
SOURCES = HERE / "sources"
DOCUMENTS = HERE / "documents"
MADE_AT = datetime(2026, 3, 1, tzinfo=UTC)  # fixed, so that a rebuild changes nothing

# Which format each source becomes. The titles readers see in citations are the documents' own.
FORMATS = {
    "cloud-mountain-tea/catalogue.csv": ".xlsx",
    "cloud-mountain-tea/shipping-and-returns.md": ".pdf",
    "cloud-mountain-tea/brewing-and-care.md": ".docx",
    "cloud-mountain-tea/membership-and-faq.md": ".md",
    "cloud-mountain-tea/visiting-the-shop.md": ".md",
    "harbour-finch/leave-policy.md": ".pdf",
    "harbour-finch/travel-and-expenses.md": ".docx",
    "harbour-finch/office-guide.md": ".docx",
    "harbour-finch/it-guide.md": ".md",
}

Block = tuple[str, str | list[list[str]]]  # ("h1" | "h2" | "p", text) or ("table", rows)


def blocks(markdown: str) -> Iterator[Block]:
    """Headings, paragraphs and tables: all the Markdown that the sources use."""
    for part in re.split(r"\n{2,}", markdown.strip()):
        if part.startswith("## "):
            yield "h2", part[3:]
        elif part.startswith("# "):
            yield "h1", part[2:]
        elif part.startswith("|"):
            lines = [line for line in part.splitlines() if not set(line) <= set("|- ")]
            yield "table", [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        else:
            yield "p", part


def build_pdf(source: Path, target: Path) -> None:
    """A4 pages in STSong-Light: a font every PDF reader has, so that none need be embedded."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    text = {"fontName": "STSong-Light", "wordWrap": "CJK"}
    styles = {
        "h1": ParagraphStyle("h1", fontSize=20, leading=28, spaceAfter=12, **text),
        "h2": ParagraphStyle("h2", fontSize=14, leading=20, spaceBefore=10, spaceAfter=4, **text),
        "p": ParagraphStyle("p", fontSize=11, leading=18, spaceAfter=6, **text),
    }
    story = [Paragraph(str(content), styles[kind]) for kind, content in blocks(source.read_text())]
    title = source.read_text().splitlines()[0].removeprefix("# ")
    margins = {side + "Margin": 25 * mm for side in ("left", "right", "top", "bottom")}
    SimpleDocTemplate(str(target), pagesize=A4, title=title, invariant=1, **margins).build(story)


def build_docx(source: Path, target: Path) -> None:
    document = Document()
    document.core_properties.created = document.core_properties.modified = MADE_AT
    for kind, content in blocks(source.read_text()):
        if isinstance(content, list):
            table = document.add_table(rows=0, cols=len(content[0]), style="Light Grid Accent 1")
            for row in content:
                for cell, value in zip(table.add_row().cells, row, strict=True):
                    cell.text = value
        elif kind == "p":
            document.add_paragraph(content)
        else:
            document.add_heading(content, level=int(kind[1]))
    document.core_properties.title = source.read_text().splitlines()[0].removeprefix("# ")
    buffer = io.BytesIO()
    document.save(buffer)
    target.write_bytes(with_fixed_times(buffer))


def build_xlsx(source: Path, target: Path) -> None:
    """One sheet per value of the first column; numbers are stored as numbers."""
    workbook = Workbook()
    workbook.remove(workbook.active)
    workbook.properties.created = workbook.properties.modified = MADE_AT.replace(tzinfo=None)
    header, *rows = csv.reader(source.read_text().splitlines())
    for sheet_name, *values in rows:
        if sheet_name not in workbook.sheetnames:
            workbook.create_sheet(sheet_name).append(header[1:])
        workbook[sheet_name].append([int(value) if value.isdigit() else value or None for value in values])
    for sheet in workbook.worksheets:
        for column in sheet.columns:
            column[0].font = Font(bold=True)
            width = max(len(str(cell.value or "")) for cell in column)
            sheet.column_dimensions[column[0].column_letter].width = min(60, width + 4)
    buffer = io.BytesIO()
    workbook.save(buffer)
    target.write_bytes(with_fixed_times(buffer))


def with_fixed_times(archive: io.BytesIO) -> bytes:
    """The same office file with every time of writing set to MADE_AT."""
    result = io.BytesIO()
    stamp = MADE_AT.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp, content)
            new.writestr(zipfile.ZipInfo(name, MADE_AT.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return result.getvalue()


BUILDERS = {".pdf": build_pdf, ".docx": build_docx, ".xlsx": build_xlsx, ".md": shutil.copyfile}


def main() -> None:
    for name, suffix in FORMATS.items():
        target = (DOCUMENTS / name).with_suffix(suffix)
        target.parent.mkdir(parents=True, exist_ok=True)
        BUILDERS[suffix](SOURCES / name, target)
        print(f"{target.relative_to(HERE)}  {target.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
