"""One file per source layout: its files in, canonical tables out."""

from __future__ import annotations

from anirec.sources.importer import ImportReport, import_folder, recognise

__all__ = ["ImportReport", "import_folder", "recognise"]
