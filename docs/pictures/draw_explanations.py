"""Draws the pictures of docs/classification.md: run `python docs/pictures/draw_explanations.py`."""

from pathlib import Path

import numpy as np

import recuerdo as rc
from recuerdo.show import save_picture

GOOD, BAD = ["funny", "warm", "lovely", "great", "clever"], ["dull", "cold", "awful", "weak", "clumsy"]
THINGS = ["film", "story", "cast", "songs", "ending", "plot", "jokes"]


def reviews(count: int = 400) -> tuple[list[str], list[str]]:
    """Texts that praise some things and blame others; what there is more of is the class."""
    random = np.random.default_rng(0)
    texts, classes = [], []
    for _ in range(count):
        praised = random.random(5) < 0.5
        said = [f"{random.choice(GOOD if one else BAD)} {random.choice(THINGS)}" for one in praised]
        texts.append(" , ".join(said))
        classes.append("good" if praised.sum() >= 3 else "bad")
    return texts, classes


def bumps(count: int = 60, T: int = 60) -> tuple[np.ndarray, list[str]]:
    """Series of noise with a bump, and some with a dip after it."""
    random = np.random.default_rng(0)
    t = np.arange(T)
    rows, classes = [], []
    for k in range(count):
        at = random.integers(12, 24)
        row = 0.15 * random.normal(size=T) + np.exp(-(((t - at) / 4) ** 2))
        if k % 2:
            row -= 0.8 * np.exp(-(((t - at - 18) / 4) ** 2))
        rows.append(row)
        classes.append("dip" if k % 2 else "no dip")
    return np.stack(rows)[..., None], classes


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    X, y = bumps()
    model = rc.SequenceClassifier(random_state=0, max_steps=150, trial=False, verbose=False).fit(X, y)
    save_picture(model.explain(X[1]).plot(), here / "explained_series.png")
    judge = rc.SequenceClassifier(random_state=0, max_steps=200, bag=False, trial=False, verbose=False)
    judge.fit(*reviews())
    text = "funny film , with warm songs and a dull plot , cold jokes , but a lovely story and a great cast"
    save_picture(judge.explain(text).plot(), here / "explained_text.png")
