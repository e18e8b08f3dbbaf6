"""Peers in one run: `python run.py --data CANONICAL --work WORK`, with the environment of anirec.

Makes the split, makes an environment for each peer, runs each runner on exactly that split, and prints quality, seconds
of fitting, peak memory and the wait for a list side by side with ours. What does not install or fails is a row with the
reason. May be stopped at any time and goes on where it was: what has its files of lists is not run again, nor is what
failed, unless `--again NAME` or `--again failed` says so.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
OURS: Final = "anirec"  # the environment that runs this
LONGEST: Final = 4 * 3600.0  # seconds of the clock that a runner may take
ONE_THREAD: Final = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "RAYON_NUM_THREADS",
        "LK_NUM_THREADS",
        "LK_NUM_PROCS",
    ),
    "1",
)

ENVIRONMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "implicit": ("implicit==0.7.3", "numpy==2.4.6", "scipy==1.17.1"),
    "irspack": ("irspack==0.5.2", "numpy==2.4.6", "scipy==1.17.1", "pandas==3.1.1"),
    "lenskit": ("lenskit==2025.8.1", "torch==2.13.0", "numpy==2.4.6", "scipy==1.17.1", "pandas==2.3.3"),
    "rectools": ("rectools==0.19.0", "numpy==1.26.4", "scipy==1.17.1", "pandas==2.3.3"),
    "recbole": (
        "recbole==1.2.1",
        "torch==2.13.0",
        "numpy==1.26.4",
        "scipy==1.12.0",
        "pandas==2.3.3",
        "setuptools==84.2.1",
    ),
    "gensim": ("gensim==4.4.0", "numpy==2.4.6", "scipy==1.17.1"),
    "cornac": ("cornac==3.0.1", "torch==2.13.0", "numpy==2.4.6", "scipy==1.17.1"),
    "torch": ("torch==2.13.0", "numpy==2.4.6", "scipy==1.17.1"),
}
"""What each environment holds. `torch` is for peers that are a checkout."""

BOTH: Final = ("defaults", "tuned")


@dataclass(frozen=True)
class Job:
    """One runner. environment: of `ENVIRONMENTS`, or `OURS`. command: script and arguments. ends: of its files' names.

    budgeted: takes seconds of training. needs_data: takes the canonical folder. checkout: folder of public code that
    it needs, by its name within the folder of checkouts.
    """

    name: str
    environment: str
    command: tuple[str, ...]
    ends: tuple[str, ...] = ()
    budgeted: bool = False
    needs_data: bool = False
    checkout: str | None = None

    def files(self, lists: Path) -> list[Path]:
        """Return the files of lists that it writes."""
        return [lists / f"{self.name}-{end}.npz" for end in self.ends] or [lists / f"{self.name}.npz"]


JOBS: Final = (
    *(Job(model, OURS, ("ours.py", model), BOTH) for model in ("ease", "ease-served", "ials", "item-knn", "item2vec")),
    Job("implicit", "implicit", ("implicit_als.py",), BOTH),
    Job("irspack", "irspack", ("irspack_ials.py",), BOTH),
    *(Job(f"ease-{name}", name, ("ease_libraries.py", name), BOTH) for name in ("rectools", "irspack")),
    *(Job(f"lenskit-{one}", "lenskit", ("lenskit_models.py", one), BOTH) for one in ("ease", "ials", "item-knn")),
    *(Job(f"recbole-{one}", "recbole", ("recbole_models.py", one), BOTH) for one in ("ease", "item-knn")),
    Job("gensim", "gensim", ("gensim_w2v.py",), BOTH),
    *(Job(model, OURS, ("ours.py", model), budgeted=True) for model in ("mult-vae", "recvae")),
    *(Job(f"cornac-{model}", "cornac", ("cornac_vae.py", model), budgeted=True) for model in ("mult-vae", "recvae")),
    Job("recbole-mult-vae", "recbole", ("recbole_models.py", "mult-vae"), budgeted=True),
    Job("masked-set", OURS, ("ours.py", "masked-set"), budgeted=True, needs_data=True),
    Job("bert4rec", "torch", ("bert4rec.py",), budgeted=True, checkout="bert4rec"),
    Job("gsasrec", "torch", ("gsasrec_gbce.py",), budgeted=True, checkout="gsasrec"),
)


@dataclass(frozen=True)
class Place:
    """Where things lie. split: file. work: folder of lists, logs, failures and environments."""

    split: Path
    work: Path
    data: Path | None = None
    checkouts: Path | None = None
    budget: float = 240.0
    longest: float = LONGEST

    @property
    def lists(self) -> Path:
        """The folder of lists."""
        return self.work / "lists"

    def log(self, name: str) -> Path:
        """Return the file of what a step prints."""
        return self.work / "logs" / f"{name}.log"

    def failure(self, name: str) -> Path:
        """Return the file of why a job failed."""
        return self.work / "failed" / f"{name}.txt"

    def lacks(self, job: Job) -> str | None:
        """Return what a job needs and was not given, None if there is nothing."""
        if job.needs_data and self.data is None:
            return "needs --data"
        if job.checkout is not None and (self.checkouts is None or not (self.checkouts / job.checkout).is_dir()):
            return f"needs the folder {job.checkout} in --checkouts"
        return None


class Failed(Exception):
    """A step did not come to its end; its text is the reason."""


Interpreter = Callable[[str], Path]
"""Given the name of an environment, makes it if need be and returns its Python. Raises Failed."""


def run_all(jobs: Iterable[Job], place: Place, interpreter: Interpreter) -> dict[str, str]:
    """Run what is not done yet; returns by name why jobs failed, now or before."""
    for folder in (place.lists, place.log("").parent, place.failure("").parent):
        folder.mkdir(parents=True, exist_ok=True)
    failed = {}
    for job in jobs:
        known = place.failure(job.name)
        lacking = place.lacks(job)
        if all(file.is_file() for file in job.files(place.lists)):
            print(f"{job.name}: done before", flush=True)
        elif lacking:
            failed[job.name] = lacking  # not kept: it may be given the next time
            print(f"{job.name}: {lacking}", flush=True)
        elif known.is_file():
            failed[job.name] = known.read_text(encoding="utf-8")
            print(f"{job.name}: failed before: {failed[job.name]}", flush=True)
        else:
            print(f"{job.name} ...", flush=True)
            try:
                run_one(job, place, interpreter)
            except Failed as failure:
                failed[job.name] = str(failure)
                known.write_text(failed[job.name], encoding="utf-8")
                print(f"{job.name}: failed: {failure}", flush=True)
    return failed


def run_one(job: Job, place: Place, interpreter: Interpreter) -> None:
    """Run one job in a process of its own.

    Raises:
        Failed: its environment cannot be made, or the runner failed.
    """
    given: list[str | Path] = []
    if job.needs_data and place.data is not None:
        given += ["--data", place.data]
    if job.checkout is not None and place.checkouts is not None:
        given += ["--checkout", place.checkouts / job.checkout]
    if job.budgeted:
        given += ["--budget", str(place.budget)]
    script, *words = job.command
    python = interpreter(job.environment)
    command = [python, HERE / script, *words, "--split", place.split, "--out", place.lists / f"{job.name}.npz", *given]
    logged(command, place.log(job.name), place.longest, own=job.environment == OURS)


def logged(command: Sequence[str | Path], log: Path, longest: float, *, own: bool) -> None:
    """Run a command with what it prints in a file. own: with the Python path of this process, else with none.

    Raises:
        Failed: it took too long, or did not end with 0.
    """
    kept = {name: value for name, value in os.environ.items() if own or name != "PYTHONPATH"}
    with log.open("w", encoding="utf-8") as out:
        try:
            subprocess.run(
                command, check=True, timeout=longest, stdout=out, stderr=subprocess.STDOUT, env=kept | ONE_THREAD
            )
        except subprocess.TimeoutExpired as late:
            raise Failed(f"stopped after {longest:.0f} s") from late
        except subprocess.CalledProcessError as error:
            raise Failed(reason(log.read_text(encoding="utf-8", errors="replace"), error.returncode)) from error


def reason(log: str, code: int) -> str:
    """Return the last line of a log that says something, without folders; of pip the last error."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    last = (errors or lines or [f"ended with {code} and said nothing"])[-1]
    return re.sub(r"(?<![\w:/])/(?:[^\s/'\"]+/)+", "", last)


def environments(folder: Path, place: Place) -> Interpreter:
    """Return what makes environments in a folder; one that is whole, with the same pins, is taken as it is."""

    def interpreter(name: str) -> Path:
        if name == OURS:
            return Path(sys.executable)
        home = folder / name
        python, whole = home / "bin" / "python", home / "pins.txt"
        pins = "\n".join(ENVIRONMENTS[name])
        if not whole.is_file() or whole.read_text(encoding="utf-8") != pins:
            print(f"  installing {', '.join(ENVIRONMENTS[name])}", flush=True)
            log = place.log(f"install-{name}")
            logged([sys.executable, "-m", "venv", "--clear", home], log, place.longest, own=False)
            logged([python, "-m", "pip", "install", *ENVIRONMENTS[name]], log, place.longest, own=False)
            whole.write_text(pins, encoding="utf-8")
        return python

    return interpreter


def main() -> None:
    """Run what is asked for, compare, and say it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [job.name for job in JOBS]
    parser.add_argument("--work", type=Path, required=True, help="folder for environments, lists and logs")
    parser.add_argument("--data", type=Path, help="canonical folder: for the split, and genres for masked-set")
    parser.add_argument("--split", type=Path, help="what split.py wrote; made in the work folder if not given")
    parser.add_argument("--checkouts", type=Path, help="folder with bert4rec and gsasrec, the peers' public code")
    parser.add_argument("--environments", type=Path, help="folder of environments; within the work folder by default")
    parser.add_argument("--budget", type=float, default=240.0, help="seconds of the processor for each net, all alike")
    parser.add_argument("--longest", type=float, default=LONGEST, help="seconds of the clock for one runner, at most")
    parser.add_argument("--only", action="append", choices=names, help="these runners only")
    parser.add_argument("--again", action="append", choices=["failed", *names], default=[], help="run these anew")
    parser.add_argument("--file", action="store_true", help="file the comparison under benchmarks/results")
    parser.add_argument("--earlier", action="store_true", help="keep filed pairs that were not run anew")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    split = asked.split or asked.work / "split.npz"
    place = Place(split, asked.work, asked.data, asked.checkouts, asked.budget, asked.longest)
    for job in JOBS:
        if job.name in asked.again or "failed" in asked.again:
            place.failure(job.name).unlink(missing_ok=True)
        if job.name in asked.again:
            for file in job.files(place.lists):
                file.unlink(missing_ok=True)
    if not split.is_file():
        if asked.data is None:
            raise SystemExit("there is no split yet: give --data, the canonical folder")
        command = [sys.executable, HERE / "split.py", "--data", asked.data, "--out", split]
        subprocess.run(command, check=True)
    jobs = [job for job in JOBS if asked.only is None or job.name in asked.only]
    failed = run_all(jobs, place, environments(asked.environments or asked.work / "environments", place))
    said = [word for name, why in failed.items() for word in ("--without", f"{name}={why}")]
    out = asked.work / "parity.json"
    filing = [word for word, wanted in (("--file", asked.file), ("--earlier", asked.earlier)) if wanted]
    compare = [sys.executable, HERE / "compare.py", "--split", split, "--lists", place.lists, "--out", out]
    inside = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
    subprocess.run([*compare, *said, *filing], check=True, env=os.environ | {"PYTHONPATH": inside})
    print(f"{out}: {len(json.loads(out.read_text())['pairs'])} pairs")


if __name__ == "__main__":
    main()
