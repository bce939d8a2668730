"""The folder of learned models stays small."""

from __future__ import annotations

import os
from pathlib import Path

from bot.understanding import KEPT, Model, prepare, tidy


def test_the_latest_models_stay(tmp_path: Path) -> None:
    """Of models and their locks only the latest remain; what is no model is nobody's business."""
    for number in range(KEPT + 3):
        for suffix in ("npz", "lock"):
            path = tmp_path / f"model-{number:02}-12.{suffix}"
            path.touch()
            os.utime(path, (number, number))
    (tmp_path / "notes.txt").touch()

    tidy(tmp_path)

    latest = {f"model-{number:02}-12.{suffix}" for number in range(3, KEPT + 3) for suffix in ("npz", "lock")}
    assert {path.name for path in tmp_path.iterdir()} == latest | {"notes.txt"}


def test_the_model_in_use_outlives_any_number_of_trials(tmp_path: Path, cache: Path, model: Model) -> None:
    """Were it let go of, the next start would learn it anew."""
    assert model.path is not None
    mine = tmp_path / model.path.name
    mine.write_bytes(model.path.read_bytes())
    os.utime(mine, (0, 0))
    read = prepare(model.knowledge, tmp_path)
    assert read.path == mine and mine.stat().st_mtime > 1
    os.utime(mine, (0, 0))

    for number in range(KEPT + 3):
        path = tmp_path / f"model-{number:02}-12.npz"
        path.touch()
        os.utime(path, (number + 1, number + 1))
        read.used()
        tidy(tmp_path)

    assert mine.exists() and len(list(tmp_path.glob("model-*.npz"))) == KEPT


def test_a_folder_that_is_gone_is_tidy(tmp_path: Path) -> None:
    """Whoever clears the cache away meanwhile disturbs nothing."""
    tidy(tmp_path / "away")
