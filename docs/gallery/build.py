"""Builds the gallery, pages of what some models remember: run `make gallery`, or this file with names of some of them.

Models are trained on the spot, each for a minute at most. Pages go to build/gallery, and with --pictures a picture of
each beside this file, of those whose data are free. Data sets that lie in a folder of their own are looked for in
shared/data beside the project.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import recuerdo as rc
from recuerdo.memory import Audit, audit
from recuerdo.tasks.sick_networks import train_sick

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data"
WIDTH, HEIGHT = 1200, 900


class Exhibit(NamedTuple):
    """A page to be.

    Attributes:
        title: its heading.
        make: trains a model and looks into it; asked for steps, None for as many as it needs.
        free: whether its picture may lie in the project.
        data: a file that it needs.
    """

    title: str
    make: Callable[[int | None], Audit]
    free: bool = True
    data: Path | None = None


def air_passengers(steps: int | None) -> Audit:
    table = rc.data.air_passengers()
    model = rc.Forecaster(12, hidden_size=32, max_steps=steps or 300, random_state=0, baselines=None, verbose=False)
    return audit(model.fit(table), table)


def quijote(steps: int | None) -> Audit:
    text = rc.data.quijote()
    model = rc.LanguageModel(
        "char", hidden_size=64, max_steps=steps or 1500, random_state=0, baselines=None, verbose=False
    )
    return audit(model.fit(text), text)


def vanishing(steps: int | None) -> Audit:
    return audit(train_sick("vanishing", {} if steps is None else {"max_steps": steps}).problem)


def recalling(steps: int | None) -> Audit:
    cured = {"cell": "lstm", "init": "chrono", "max_lag": 30, **({} if steps is None else {"max_steps": steps})}
    return audit(train_sick("vanishing", cured).problem)


def etth1(steps: int | None) -> Audit:
    import polars as pl

    table = pl.read_csv(EXHIBITS["etth1"].data).select("date", "OT").tail(2000)
    model = rc.Forecaster(24, hidden_size=32, max_steps=steps or 300, random_state=0, baselines=None, verbose=False)
    return audit(model.fit(table, target="OT"), table)


def japanese_vowels(steps: int | None) -> Audit:
    read = rc.data.read_archive(EXHIBITS["japanese-vowels"].data)
    model = rc.SequenceClassifier(random_state=0, max_steps=steps, baselines=None, trial=False, verbose=False)
    return audit(model.fit(read.sequences, read.labels), (read.sequences, read.labels))


def reviews(steps: int | None) -> Audit:
    import polars as pl

    rows = pl.read_csv(EXHIBITS["reviews"].data, separator="\t", quote_char=None, n_rows=4000)
    texts, labels = rows["text"].to_list(), rows["label"].to_list()
    model = rc.SequenceClassifier(random_state=0, max_steps=steps, baselines=None, trial=False, verbose=False)
    return audit(model.fit(texts, labels), (texts, labels))


EXHIBITS = {
    "air-passengers": Exhibit("A forecaster of airline passengers", air_passengers),
    "quijote": Exhibit("A language model of Don Quijote, letter by letter", quijote),
    "vanishing": Exhibit("A plain FRNN that cannot recall a symbol from 30 steps before", vanishing),
    "recalling": Exhibit("An LSTM that recalls a symbol from 30 steps before", recalling),
    "etth1": Exhibit(
        "A forecaster of a transformer's oil temperature", etth1, False, DATA / "forecasting/etth1/ETTh1.csv.gz"
    ),
    "japanese-vowels": Exhibit(
        "Who speaks? A classifier of vowels",
        japanese_vowels,
        False,
        DATA / "classification/JapaneseVowels/JapaneseVowels_TRAIN.ts",
    ),
    "reviews": Exhibit("Good or bad? A classifier of sentences", reviews, False, DATA / "sentiment/sst2/train.tsv"),
}


def draw(page: Path, picture: Path) -> None:
    """Take a picture of the top of a page, as a browser shows it."""
    import shutil

    from playwright.sync_api import sync_playwright

    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        opened = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        opened.goto(f"file://{page}")
        opened.wait_for_selector("html[data-ready=true]")
        opened.wait_for_function("Bokeh.documents[0].is_idle")
        opened.screenshot(path=picture, full_page=True)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(EXHIBITS)}; all by default")
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "build" / "gallery")
    parser.add_argument("--max-steps", type=int, help="of each training, for a quick look")
    parser.add_argument("--pictures", action="store_true", help="draw those of free data beside this file, by Chromium")
    options = parser.parse_args()
    if unknown := set(options.names) - EXHIBITS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))} in the gallery")
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names or EXHIBITS:
        exhibit = EXHIBITS[name]
        if exhibit.data is not None and not exhibit.data.exists():
            print(f"{name}: left out, since {exhibit.data} is not there")
            continue
        page = exhibit.make(options.max_steps).to_html(options.out / f"{name}.html", title=exhibit.title)
        print(f"{name}: {page}", flush=True)
        if options.pictures and exhibit.free:
            draw(page, HERE / f"{name}.png")


if __name__ == "__main__":
    main()
