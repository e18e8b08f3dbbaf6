"""Which encoder is taught by what, and where what comes of it goes."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from anirec.evaluate.intervals import Interval
from anirec.evaluate.labelled import read_labelled
from anirec.prepare.catalogue import read_catalogue
from anirec.prepare.pairs import read_pairs
from anirec.recommenders.neural.settings import Run
from anirec.search.encoders.export import export
from anirec.search.encoders.facts import FILE
from anirec.search.encoders.onnx import open_onnx
from anirec.search.encoders.sentence import open_sentence
from anirec.search.rerank import Reranker, open_cross_encoder
from anirec.search.training.objective import NearnessTeacher
from anirec.search.training.questions import open_generator
from anirec.service import checkpoints
from anirec.service.encoders import (
    EncoderTraining,
    Helpers,
    Judged,
    better,
    fine_tune,
    jury_of,
    learning,
    titles_of,
)
from anirec.service.indexing import TABLES, fingerprint
from anirec.service.progress import Progress
from anirec.sources.importer import need_canonical
from anirec.tables import new_folder, sha256
from anirec.wiring.search import open_encoder


@dataclass(frozen=True)
class Named:
    """What the user names. teacher: a cross-encoder, or an encoder. generator: of queries. labelled: a file of queries.

    Models are folders, or names at the model hub, which then is asked for them.
    """

    encoder: str
    teacher: str | None = None
    generator: str | None = None
    labelled: Path | None = None


@dataclass(frozen=True)
class Taught:
    """What came of a training. before, after, small: dense search with the encoder as it was, trained, and in int8.

    rise: of NDCG@10 from before to int8, paired by query. kept: whether that is above 0, so that it was written.
    epochs: of each, the share of held-out answers that beat wrong ones.
    """

    before: Judged
    after: Judged
    small: Judged
    rise: Interval
    kept: bool
    queries: int
    triples: int
    epochs: tuple[float, ...]


def train_encoder(
    folder: Path, out: Path, named: Named, config: EncoderTraining, work: Path, progress: Progress, *, resume: bool
) -> Taught:
    """Teach a Sentence Transformer on a canonical folder; write it and its int8 form to `out` if it became better.

    work: where vectors of texts are kept. Checkpoints lie in OUT.training until the training ends.

    Raises:
        InputError: the folder is not canonical, there is no such model, or there is a checkpoint of something else.
        MissingAbility: what training needs is not installed.
        BadTable: a table cannot be read, or too little can be learned from it.
        FloatingPointError: the loss is not finite.
    """
    need_canonical(folder)
    checks = checkpoints.beside(out)
    checkpoints.check(checks, resume=resume)
    catalogue = read_catalogue(folder)
    helpers = Helpers(
        pairs=read_pairs(folder),
        titles=titles_of(folder),
        teacher=open_teacher(named.teacher) if named.teacher else None,
        generator=open_generator(named.generator, download=_away(named.generator)) if named.generator else None,
    )
    model = open_sentence(named.encoder, download=_away(named.encoder)).model
    with tempfile.TemporaryDirectory() as scratch:
        at = Path(scratch)
        model.save(str(at / "untaught"))
        export(at / "untaught", at / "before", name=Path(named.encoder).name)
        encoder = open_onnx(at / "before")
        cache = work / fingerprint(at / "before")
        given = learning(folder, catalogue, encoder, helpers, config, cache, progress)
        labelled = read_labelled(named.labelled) if named.labelled else None
        jury = jury_of(labelled, given, catalogue, config)
        progress("judging", 0, 3)
        before = jury.judge(encoder)
        facts = {
            "data": {t: sha256(folder / f"{t}.parquet") for t in TABLES if (folder / f"{t}.parquet").is_file()},
            "config": asdict(config),
            "encoder": fingerprint(at / "before"),
            "teacher": named.teacher or "",
            "generator": named.generator or "",
        }
        with checkpoints.kept(checks, facts, resume=resume):
            epochs = fine_tune(model, given, config, Run(progress, checks / "encoder.pt"))
        progress("judging", 1, 3)
        model.save(str(at / "taught"))
        after = jury.judge(open_sentence(str(at / "taught")))
        export(at / "taught", at / "small", name=out.name, origin=f"{Path(named.encoder).name}, fine-tuned by anirec")
        progress("judging", 2, 3)
        small = jury.judge(open_onnx(at / "small"))
        progress("judging", 3, 3)
        rise = better(before, small)
        if rise.mean > 0:
            for made, target in ((at / "taught", sentence_of(out)), (at / "small", out)):
                with new_folder(target) as written:
                    shutil.copytree(made, written, dirs_exist_ok=True)
    return Taught(before, after, small, rise, rise.mean > 0, len(jury.queries), len(given.train), tuple(epochs))


def sentence_of(out: Path) -> Path:
    """Return where the Sentence Transformer of an encoder lies, to be taught further."""
    return out.with_name(f"{out.name}.sentence")


def open_teacher(name: str) -> Reranker:
    """Open a teacher: an encoder's folder, a Sentence Transformer, or else a cross-encoder.

    Raises:
        InputError: there is no such model.
        MissingAbility: what it runs on is not installed.
    """
    if (Path(name) / FILE).is_file():
        return NearnessTeacher(open_encoder(Path(name)))
    if (Path(name) / "modules.json").is_file():
        return NearnessTeacher(open_sentence(name))
    return open_cross_encoder(name, download=_away(name))


def _away(name: str) -> bool:
    """Return whether a model is named that is no folder here."""
    return not Path(name).is_dir()
