"""Puts the built page into the wheel; git holds its sources only."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = "ANIREC_PAGE"
"""Environment variable that names the folder of a page that was built elsewhere, as in a stage of the Dockerfile."""


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the page before a wheel is packed. An editable install builds it when it first serves."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the page's files to the wheel, or say why it has none."""
        if version == "editable" or self.target_name != "wheel":
            return
        built = self._built_elsewhere() if os.environ.get(BUILT) else self._built_here()
        if built is not None:
            build_data["force_include"][str(built)] = "anirec/web/page_files"

    def _built_elsewhere(self) -> Path:
        built = Path(os.environ[BUILT])
        if not (built / "index.html").is_file():
            raise FileNotFoundError(f"${BUILT} names {built}, which holds no built page")
        return built

    def _built_here(self) -> Path | None:
        page = _page_module(Path(self.root))
        frontend = Path(self.root) / "frontend"
        try:
            built: Path = frontend / "dist" if page.is_current(frontend) else page.build_page(frontend)
        except page.PageNotBuilt as error:
            self.app.display_warning(f"this wheel holds no page: {error}")
            return None
        return built


def _page_module(root: Path) -> Any:
    spec = importlib.util.spec_from_file_location("anirec_page", root / "src" / "anirec" / "web" / "page.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError("src/anirec/web/page.py is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
