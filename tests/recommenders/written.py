"""A world of reviews: what titles are about, planted beneath names, which would tell otherwise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anirec.prepare.documents import Documents

SUBJECTS = {
    "space": ["planet", "rocket", "orbit", "pilot", "galaxy", "asteroid", "starship", "gravity", "cosmos", "engine"],
    "school": [
        "classroom",
        "exam",
        "homework",
        "uniform",
        "teacher",
        "lesson",
        "cafeteria",
        "student",
        "corridor",
        "festival",
    ],
    "sword": ["blade", "duel", "katana", "warlord", "honour", "dojo", "samurai", "armour", "clan", "rebellion"],
}
"""Titles go round: 1 is about space, 2 about school, 3 about swords, 4 about space ..."""
TALK = [
    "the",
    "story",
    "and",
    "its",
    "characters",
    "are",
    "good",
    "but",
    "a",
    "bit",
    "slow",
    "while",
    "art",
    "music",
    "is",
    "fine",
]
NAMES = ("Jin", "Mugen", "Faye")
"""Somebody of this name is in title i: i // 3 tells which, so that a name never goes with a subject."""
N = 36
EMPTY = 36
"""Of this title there is a review without a word."""


def subject_of(anime_id: int) -> str:
    return list(SUBJECTS)[(anime_id - 1) % 3]


def reviewed(n: int = N, reviews: int = 3, seed: int = 1) -> Documents:
    """n titles with so many reviews each: talk, words of the subject, one of three names, and a name of its own."""
    rng = np.random.default_rng(seed)
    texts = []
    for anime_id in range(1, n + 1):
        words = SUBJECTS[subject_of(anime_id)]
        name, own = NAMES[((anime_id - 1) // 3) % len(NAMES)], f"Hero{'abcdefghij'[anime_id % 10]}q"
        of_title = []
        for _ in range(reviews):
            sentences = [
                f"Here {rng.choice(TALK)} {name} {' '.join(rng.choice(words, 4))} {rng.choice(TALK)} {name} "
                f"{' '.join(rng.choice(TALK, 4))} {own}."
                for _ in range(8)
            ]
            of_title.append(" ".join(sentences))
        texts.append(tuple(of_title) if anime_id != EMPTY else ("10/10 !!!",))
    return Documents(np.arange(1, n + 1, dtype=np.int32), tuple(texts))


def each_alone(n: int = N) -> NDArray[np.int32]:
    return np.arange(n, dtype=np.int32)
