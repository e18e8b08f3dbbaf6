"""A folder that is a Hugging Face Space (Docker SDK): the page and the API over one bundle, and nothing else."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Final

from anirec.core.errors import InputError
from anirec.stores.bundle import Bundle
from anirec.tables import new_folder

PORT: Final = 7860
"""What a Space is asked at unless it says something else."""
LARGE: Final = ("npy", "parquet", "onnx", "whl")
"""Kinds of files that Git keeps elsewhere (LFS)."""
README: Final = """\
---
title: {title}
emoji: 📺
colorFrom: blue
colorTo: indigo
sdk: docker
app_port: {port}
pinned: false
license: apache-2.0
---

# {title}

Recommends anime, with reasons: from favourites, a list, one title, or a mood in your own words. Nothing that is sent is
kept. Made with anirec {version}; the bundle's model card is `bundle/card.md`, and `/model` in the page.
"""
DOCKERFILE: Final = """\
# The page and the API of anirec over ./bundle; no training, no key, nothing that is written.
FROM python:3.12-slim
RUN useradd --create-home --uid 1000 anirec
ENV PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 PIP_NO_CACHE_DIR=1
{install}
COPY --chown=root:root bundle /app/bundle
USER anirec
WORKDIR /home/anirec
EXPOSE {port}
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \\
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}/health', timeout=4)"]
CMD ["anirec", "serve", "--host", "0.0.0.0", "--port", "{port}", "--bundle", "/app/bundle", "--no-sites"]
"""


def to_space(opened: Bundle, out: Path, *, title: str = "anirec", wheel: Path | None = None) -> Path:
    """Write a Space into a new folder. wheel: of anirec, with the page; None = the released one of this version.

    Raises:
        InputError: there is no such wheel, or the title has more than one line.
    """
    if "\n" in title or not title.strip():
        raise InputError("the title of a Space is one line")
    if wheel is not None and not (wheel.is_file() and wheel.suffix == ".whl"):
        raise InputError(f"{wheel} is no wheel; `python -m pip wheel --no-deps .` in a checkout makes one")
    install = f'RUN pip install "anirec[serve,text]=={version("anirec")}"'
    if wheel is not None:
        install = f'COPY {wheel.name} /tmp/\nRUN pip install "/tmp/{wheel.name}[serve,text]"'
    with new_folder(out) as folder:
        shutil.copytree(opened.path, folder / "bundle")
        if wheel is not None:
            shutil.copy(wheel, folder / wheel.name)
        told = {"title": title, "port": PORT, "version": version("anirec")}
        (folder / "README.md").write_text(README.format(**told), encoding="utf-8")
        (folder / "Dockerfile").write_text(DOCKERFILE.format(install=install, port=PORT), encoding="utf-8")
        large = "".join(f"*.{kind} filter=lfs diff=lfs merge=lfs -text\n" for kind in LARGE)
        (folder / ".gitattributes").write_text(large, encoding="utf-8")
    return out
