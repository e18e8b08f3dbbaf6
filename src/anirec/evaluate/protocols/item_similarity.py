"""`item-similarity`: one title is given; what people named as "if you liked this, try that" is to be found.

A fifth of all pairs is held back, each from both its titles, and nobody may learn from it. A target is worth
log2(1 + votes); a pair that is only listed counts as one vote. What was learned from beside the title is no candidate.
Weaknesses: people name what they know, so the popular is named more, and nobody names the obvious next season; what
nobody has named yet counts as a miss, however alike it is.
"""

from __future__ import annotations

import numpy as np

from anirec.core.errors import InputError
from anirec.core.profile import Profile
from anirec.evaluate.exam import Exam
from anirec.evaluate.named import by_title, gains_of
from anirec.evaluate.protocols.asking import Asked
from anirec.prepare.dataset import Dataset
from anirec.prepare.splits import Case

NAME = "item-similarity"
VERSION = 1
HELD = 0.2


def make(dataset: Dataset, asked: Asked) -> Exam:
    """Hold pairs back and ask for them; `asked.users` is the number of titles asked about. A case's user is its title.

    Raises:
        InputError: there are no pairs of titles that the dataset knows.
    """
    learned, held = asked.pairs.known_to(dataset.anime_ids).parted(HELD, asked.rng(8))
    questions = by_title(held)
    if not questions:
        raise InputError("nobody named two titles together; this protocol needs a table of recommendations")
    cases = asked.some([Case(title, Profile.of_likes([title]), ids) for title, (ids, _) in questions.items()])
    known = by_title(learned)
    nothing = np.empty(0, dtype=np.int32)
    return Exam(
        NAME,
        VERSION,
        asked.parameters | {"titles": len(cases), "pairs held back": len(held), "pairs to learn from": len(learned)},
        dataset,
        cases,
        gains=tuple(gains_of(questions[case.user_id][1]) for case in cases),
        barred=tuple(known[case.user_id][0] if case.user_id in known else nothing for case in cases),
        pairs=learned,
    )
