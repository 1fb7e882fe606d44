"""The interface's texts and their Chinese: `python -m tests.config.catalogue` brings `locale/` up to date.

It takes the place of `makemessages` and `compilemessages`, which need gettext's programs: English texts are
collected from Python and templates, new ones join the catalogue to be translated, gone ones leave it, and
what Django reads (`django.mo`) is compiled.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import polib
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
COMPILED = CATALOGUE.with_suffix(".mo")
SOURCES = ("knowledge", "npc", "personas", "platform", "templates")

TRANSLATORS = {"gettext", "gettext_lazy", "gettext_noop"}
# The second one has a `gettext_noop` that needs no settings.
THEIR_MODULES = {"django.utils.translation", "analytics.reading.texts"}
# Chinese has no plural, and no text of ours means two things; whoever needs these teaches them to us.
UNSUPPORTED = {"ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"}

# What our pages show of unfold's own texts, for which neither it nor Django brings Chinese.
OF_UNFOLD = {
    "All applications", "Apply Filters", "Cancel", "Choose file to upload", "Current file", "Dark", "Edit",
    "False", "Filters", "General", "Go back", "Light", "Loading more results...", "More actions", "New",
    "No data", "No recent searches", "No results found", "No results matching your query",
    "Please correct the error below.", "Recent searches", "Reset filters", "Return to site",
    "Search apps and models...", "Select all rows", "Submit", "System",
    "This page yielded into no results. Create a new item or reset your filters.",
    "Toggle password visibility", "True", "Type to search",
    "You have been successfully logged out from the administration",
}  # fmt: skip

_LITERAL = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_TEMPLATE_CALL = re.compile(rf"(?<!\w)(\w*gettext|_)\(\s*{_LITERAL}")


class Unsupported(Exception):
    """A text is marked in a way that this module does not collect."""


def source_texts() -> dict[str, list[str]]:
    """Every English text that the source marks for translation, and the files it stands in."""
    found: dict[str, set[str]] = defaultdict(set, {text: {"unfold"} for text in OF_UNFOLD})
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            for text in texts_in(path):
                found[text].add(path.relative_to(ROOT).as_posix())
    return {text: sorted(files) for text, files in found.items()}


def texts_in(path: Path) -> Iterator[str]:
    match path.suffix:
        case ".py":
            yield from texts_of_python(path.read_text(), str(path))
        case ".html" | ".txt" if "templates" in path.parts:
            yield from texts_of_template(path.read_text(), str(path))


def texts_of_python(source: str, name: str) -> Iterator[str]:
    """What is given to gettext, under whatever name it was imported. Raises Unsupported."""
    tree = ast.parse(source, name)
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in THEIR_MODULES:
            imported = {alias.name: alias.asname or alias.name for alias in node.names}
            if unsupported := UNSUPPORTED & imported.keys():
                raise Unsupported(f"{name} uses {', '.join(sorted(unsupported))}")
            names |= {imported[known] for known in TRANSLATORS & imported.keys()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            text = node.args[0]
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield text.value


def texts_of_template(source: str, name: str) -> Iterator[str]:
    """What stands in `translate`, `blocktranslate` and `_("…")`. Raises Unsupported."""
    for call, literal in _TEMPLATE_CALL.findall(templatize(source, origin=name)):
        if call in UNSUPPORTED:
            raise Unsupported(f"{name} uses a context or a plural")
        yield ast.literal_eval(literal)


def refresh() -> list[str]:
    """Write the catalogue anew, keeping every translation, and compile it; return what lacks one."""
    catalogue = polib.pofile(str(CATALOGUE), wrapwidth=0)
    known = {entry.msgid: entry.msgstr for entry in catalogue}
    texts = source_texts()
    catalogue.clear()
    for text, files in sorted(texts.items(), key=lambda pair: (pair[1], pair[0])):
        occurrences = [(file, "") for file in files]
        catalogue.append(polib.POEntry(msgid=text, msgstr=known.get(text, ""), occurrences=occurrences))
    catalogue.save()
    catalogue.save_as_mofile(str(COMPILED))
    return [text for text in texts if not known.get(text)]


if __name__ == "__main__":
    missing = refresh()
    for text in missing:
        print(f"needs Chinese: {text}")
    sys.exit(1 if missing else 0)
