"""What is installed with anirec, by extra: its licences (docs/licences.md) and, as CycloneDX, its bill of materials.

    python tools/dependencies.py            writes docs/licences.md
    python tools/dependencies.py --check    fails where the page would change, or a licence is none that we may use
    python tools/dependencies.py --sbom F   writes the bill of materials of what serves

Looks at what is installed in this environment; every extra has to be.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs" / "licences.md"
SERVING = ("", "fit", "serve", "text")
"""Extras of the bill of materials; "" is the package without any."""

USABLE = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "CNRI-Python",
        "HPND",
        "ISC",
        "LGPL-2.1-only",
        "LGPL-2.1-or-later",
        "LGPL-3.0-only",
        "LGPL-3.0-or-later",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "MPL-2.0",
        "PSF-2.0",
        "Unlicense",
        "ZPL-2.1",
        "Zlib",
    }
)
"""What may be installed beside a program under Apache-2.0 and imported by it: none asks that the program be under its
own terms. GPL and AGPL are not here."""
EXCEPTED: Mapping[str, str] = {
    "GPL-2.0-only WITH GCC-exception-2.0": "of DVC's; linking to it is allowed whatever a program's own licence is",
    "EPL-2.0 OR GPL-2.0-or-later": "of DVC's, which is a program of its own; nothing of ours imports it",
    "GPLv2 | EPLv1": "the same",
}
"""Licences beside these, each with the reason why it does no harm."""
SPOKEN: Mapping[str, str] = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd-3-clause license": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "the mit license (mit)": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "psfl": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
    "gplv2 with linking exception": "GPL-2.0-only WITH GCC-exception-2.0",
}
"""What packages call their licences where they do not use SPDX's words, in lower case."""
HEAD = """# Licences of what is installed

Made by `python tools/dependencies.py` from the metadata of the packages; do not edit it. A test fails when a package
comes with a licence that is not among those that may be installed beside a program under Apache-2.0. Licences of the
page's JavaScript are in `assets/licences.md` of the built page, of data in [sources](sources.md).

"""


def extras() -> Mapping[str, list[str]]:
    """Return what each extra asks for; "" is the package without any."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"": project["dependencies"], **project["optional-dependencies"]}


def closure(wanted: list[str]) -> dict[str, Distribution]:
    """Return everything that is installed because of these requirements, by canonical name.

    Raises:
        PackageNotFoundError: something that is asked for is not installed.
    """
    own = extras()
    found: dict[str, Distribution] = {}
    done: set[tuple[str, str]] = set()
    waiting = [Requirement(one) for one in wanted]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name == "anirec":
            waiting += [Requirement(one) for extra in requirement.extras for one in own[extra]]
            continue
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        found[name] = _installed(name)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in done:
                done.add((name, extra))
                waiting += _of_extra(name, extra)
    return found


_installed = cache(distribution)


@cache
def _of_extra(name: str, extra: str) -> tuple[Requirement, ...]:
    """Return what one extra of an installed package asks for here; "" is the package without any."""
    found = []
    for text in _installed(name).requires or ():
        requirement = Requirement(text)
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
        if applies and (not extra or "extra" in str(requirement.marker)):
            requirement.marker = None
            found.append(requirement)
    return tuple(found)


def licence_of(package: Distribution) -> str:
    """Return an SPDX expression, as far as the package's metadata can be understood, else its own words."""
    said = package.metadata
    if "License-Expression" in said:
        return str(said["License-Expression"])
    classified = [c.rpartition(" :: ")[2] for c in said.get_all("Classifier") or () if c.startswith("License ::")]
    words: list[str] = [str(said["License"]).strip() if "License" in said else "", *classified]
    for word in words:
        if (known := SPOKEN.get(word.lower(), word)) in USABLE or known in EXCEPTED:
            return known
    return next((word.split("\n")[0] for word in words if word and word != "OSI Approved"), "not said")


def is_usable(expression: str) -> bool:
    """Return whether an expression lets us use the package: each of what AND joins, one of what OR joins."""
    if expression in EXCEPTED:
        return True
    plain = re.sub(r"[()]", "", expression)
    return all(any(one.strip() in USABLE for one in re.split(r"\bOR\b", part)) for part in re.split(r"\bAND\b", plain))


def by_package() -> dict[str, tuple[Distribution, list[str]]]:
    """Return every package with the extras that bring it; what comes without an extra comes with none."""
    base = closure(extras()[""])
    found = {name: (package, [""]) for name, package in base.items()}
    for extra, wanted in extras().items():
        for name, package in closure(wanted).items():
            if name not in base:
                found.setdefault(name, (package, []))[1].append(extra)
    return dict(sorted(found.items()))


def page(packages: Mapping[str, tuple[Distribution, list[str]]]) -> str:
    """Return the whole document."""
    lines = ["| package | licence | comes with |", "|---|---|---|"]
    for name, (package, where) in packages.items():
        brought = "every installation" if where == [""] else ", ".join(f"`{extra}`" for extra in where)
        lines.append(f"| {name} | {licence_of(package)} | {brought} |")
    excepted = [f"- {name}: {reason}." for name, reason in EXCEPTED.items()]
    return HEAD + "\n".join([*lines, "", "Used though it is not among the usual ones:", "", *excepted, ""])


def bill_of_materials() -> dict[str, Any]:
    """Return what is installed to serve, as CycloneDX: of this environment, without the tools of who works on it."""
    about = ["--pyproject", str(REPOSITORY / "pyproject.toml"), "--mc-type", "application"]
    made = subprocess.run(
        [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", *about, sys.executable],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(made.stdout)
    kept = {"anirec", *(name for extra in SERVING for name in closure(extras()[extra]))}
    told["components"] = [one for one in told["components"] if canonicalize_name(one["name"]) in kept]
    known = {one["bom-ref"] for one in told["components"]}
    told["dependencies"] = [
        {**one, "dependsOn": [ref for ref in one.get("dependsOn", []) if ref in known]}
        for one in told["dependencies"]
        if one["ref"] in known
    ]
    return told


def main() -> int:
    """Write what is asked for, or say what is wrong."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true")
    arguments.add_argument("--sbom", type=Path, metavar="FILE")
    asked = arguments.parse_args()
    if asked.sbom is not None:
        asked.sbom.parent.mkdir(parents=True, exist_ok=True)
        asked.sbom.write_text(json.dumps(bill_of_materials(), indent=1) + "\n", encoding="utf-8")
        return 0
    try:
        packages = by_package()
    except PackageNotFoundError as missing:
        sys.stderr.write(f"{missing.name} is not installed; the page is made where every extra is\n")
        return 5
    if not asked.check:
        PAGE.write_text(page(packages), encoding="utf-8")
    wrong = {name: licence_of(package) for name, (package, _) in packages.items() if not is_usable(licence_of(package))}
    for name, licence in wrong.items():
        sys.stderr.write(f"{name}: {licence} is none of the licences that we may use\n")
    if asked.check and PAGE.read_text(encoding="utf-8") != page(packages):
        sys.stderr.write(f"{PAGE.name} is out of date; run python tools/dependencies.py\n")
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
