from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from anirec.core.profile import Profile
from conformance import Conformance, Subject
from recommenders.lensed import CATALOGUE, three_lenses
from recommenders.test_conformance import through_a_bundle


class TestSimilar(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        model = three_lenses()

        def by_definition(profile: Profile) -> NDArray[np.float64]:
            """Title by title: the root of each lens's score over its best of other franchises, times its weight."""
            franchise = CATALOGUE.franchise
            known = [int(i) for i in profile.anime_ids if 1 <= i <= len(franchise)]
            groups = {franchise[i - 1] for i in known}
            total: NDArray[np.float64] = 1e-3 * np.log1p(model.likes.astype(float)) / np.log1p(float(model.likes.max()))
            for name, lens in model.lenses.items():
                asked = profile
                if not any(i in lens.items for i in known):
                    relatives = [int(i) for i in lens.items if franchise[i - 1] in groups]
                    asked = Profile.of_likes(relatives)
                of_lens = dict(zip(lens.items.tolist(), lens.score([asked])[0].tolist(), strict=True))
                best = max([0.0, *(s for i, s in of_lens.items() if franchise[i - 1] not in groups)])
                for row, anime_id in enumerate(model.items.tolist()):
                    if best > 0:
                        total[row] += model.weights[name] * max(of_lens.get(anime_id, 0.0) / best, 0.0) ** 0.5
            return total

        states = {model.models[name]: lens.state() for name, lens in model.lenses.items()}  # type: ignore[attr-defined]
        restored = through_a_bundle(tmp_path, {**states, "similar": model.state()}, "similar", CATALOGUE)
        return Subject(model, restored, by_definition, tolerance=1e-5)
