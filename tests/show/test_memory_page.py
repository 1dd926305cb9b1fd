"""The memory page in a real browser: one cursor, every view, and the numbers behind them."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import recuerdo as rc
from recuerdo.errors import OptionError, OutputError
from recuerdo.memory import Audit

pytest.importorskip("bokeh", reason="the extra page is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="no chromium is installed, in which pages could be opened"
)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
few = pytest.mark.parametrize("made", ["series", "text", "lstm"], indirect=True)
VIEWS = ["Verdict and memory ruler", "Gradient river", "Memory score", "The unfolded cell", "Recall against use"]

TEXT = "the cat sat on the mat. the dog lay on the log. " * 30


def of_series() -> tuple[object, object]:
    table = rc.data.air_passengers()
    model = rc.Forecaster(12, hidden_size=10, max_steps=20, random_state=0, baselines=None, verbose=False)
    return model.fit(table), table


def of_text() -> tuple[object, object]:
    model = rc.LanguageModel(
        "char", hidden_size=12, embedding_size=6, max_steps=20, steps=24, random_state=0, baselines=None, verbose=False
    )
    return model.fit(TEXT), TEXT


def of_verdicts() -> tuple[object, object]:
    texts = ["a grand film", "warm and lovely, a film", "a dull film", "cold and grim"] * 10
    model = rc.SequenceClassifier(hidden_size=6, max_steps=10, random_state=0, baselines=None, verbose=False)
    answers = [1, 1, 0, 0] * 10
    return model.fit(texts, answers), (texts, answers)


def of_layer(name: str, **options: object) -> tuple[object, object]:
    torch.manual_seed(0)
    return getattr(rc.nn, name)(2, 7, 2, **options).eval(), torch.randn(6, 15, 2)


SUBJECTS = {
    "series": of_series,
    "text": of_text,
    "verdicts": of_verdicts,
    "lstm": lambda: of_layer("LSTM", bidirectional=True),
    "gru": lambda: of_layer("GRU", reset_after=False),
    "frnn": lambda: of_layer("FRNN"),
    "indrnn": lambda: of_layer("IndRNN"),
    "norms": lambda: of_layer("LSTM", layer_norm=True, zoneout=0.2, recurrent_dropout=0.1),
}


class Made:
    """A page, what it is of, and what was looked into."""

    def __init__(self, path: Path, found: Audit, model: object, data: object) -> None:
        self.path, self.found, self.model, self.data = path, found, model, data


@pytest.fixture(scope="module", params=SUBJECTS)
def made(request, tmp_path_factory) -> Made:
    model, data = SUBJECTS[request.param]()
    found = rc.memory.audit(model, data)
    path = tmp_path_factory.mktemp("pages") / f"{request.param}.html"
    found.to_html(path, title=f"Of {request.param} & <others>")
    return Made(path, found, model, data)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def opened(browser, path: Path, address: str = "", **options):
    """Open a page, and see that it complains of nothing and asks for nothing."""
    page = browser.new_page(**options)
    page.complaints, page.asked = [], []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(f"file://{path}{address}")
    page.wait_for_selector("html[data-ready=true]")
    return page


@needs_browser
def test_it_opens_without_a_complaint_and_without_a_network(browser, made):
    page = opened(browser, made.path)
    page.wait_for_function("Bokeh.documents[0].is_idle")
    assert page.complaints == []
    assert page.asked == [f"file://{made.path}"]
    assert [each.split(". ", 1)[1] for each in page.locator("h2").all_inner_texts()] == VIEWS
    assert page.locator("h1").inner_text().endswith("& <others>")
    page.close()


@needs_browser
def test_keys_move_the_cursor_of_all_views_and_the_address_keeps_it(browser, made):
    page = opened(browser, made.path)
    before = page.evaluate("({...recuerdoPage.cursor})")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    after = page.evaluate("({...recuerdoPage.cursor})")
    assert after["t"] == before["t"] - 1
    assert after["unit"] == made.found.portraits[0].order[1]
    assert page.url.endswith(f"#t={after['t']}&unit={after['unit']}&layer=0")
    spans = page.evaluate(
        """[...Bokeh.documents[0]._all_models.values()]
        .filter(each => each.type === 'Span' && each.tags.includes('t')).map(each => each.location)"""
    )
    assert len(spans) > 3
    assert set(spans) == {after["t"]}
    assert f"step {after['t']}, unit {after['unit']}" in page.locator("#formulas").inner_text()
    assert page.locator("#told").inner_text().startswith(f"step {after['t']} ")
    assert page.locator("#cell .asked").count() == 1
    again = opened(browser, made.path, page.url.partition(".html")[2])
    assert again.evaluate("({...recuerdoPage.cursor})") == after
    again.goto(f"file://{made.path}#t=1&unit=2&layer=0")
    again.wait_for_function("recuerdoPage.cursor.t === 1")
    for _ in range(3):
        again.keyboard.press("ArrowLeft")
    assert again.evaluate("recuerdoPage.cursor.t") == 0
    page.close()
    again.close()


@needs_browser
def test_the_numbers_are_those_behind_it(browser, made):
    page = opened(browser, made.path)
    for number, layer in enumerate(made.found.portraits):
        T, H = layer.steps, len(layer.order)
        for t, unit in ((0, 0), (T - 1, H - 1), (T // 2, H // 2)):
            unfolded = rc.memory.unfold(made.model, made.data, t, layer=number, unit=unit, around=0)[t]
            for line in unfolded.lines:
                if line.name.startswith("raw"):
                    continue
                shown = page.evaluate("([s, t, u, k]) => recuerdoPage.value(s, t, u, k)", [line.name, t, unit, number])
                assert shown == pytest.approx(line.value, rel=1e-4, abs=1e-5), (layer.name, line.name)
            page.evaluate(
                "([t, unit, layer]) => location.hash = `t=${t}&unit=${unit}&layer=${layer}`", [t, unit, number]
            )
            page.wait_for_function(f"document.getElementById('told').textContent.startsWith('step {t} ')")
            told = page.locator("#told").inner_text()
            for name, values in {**layer.gates, **layer.states}.items():
                assert f"{name} {written(values[t, unit])}" in told
    page.close()


def written(value: float) -> str:
    if value != 0 and (abs(value) < 0.0005 or abs(value) >= 1e5):
        mantissa, power = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(power):+d}"
    return f"{value:.3f}"


@needs_browser
def test_derivatives_are_those_of_the_formulas(browser, made):
    page = opened(browser, made.path)
    checked = page.evaluate(
        """() => {
      const found = [], page = recuerdoPage, { t, unit, layer } = page.cursor;
      for (const line of page.meta.layers[layer].lines.filter((each) => each.code !== null))
       for (const by of page.namesIn(line.code)) {
        const known = (shift) => (name) => page.value(name, t, unit, layer) + (name === by ? shift : 0);
        const [up, down] = [1e-4, -1e-4].map((shift) => page.work(line.code, known(shift)).value);
        found.push([page.work(line.code, known(0), by).slope, (up - down) / 2e-4]);
      }
      return found;
    }"""
    )
    assert len(checked) > 0
    for slope, difference in checked:
        assert slope == pytest.approx(difference, rel=1e-3, abs=1e-4)
    page.close()


@needs_browser
@pytest.mark.parametrize("made", ["text", "verdicts"], indirect=True)
def test_a_text_stands_there_in_its_own_words(browser, made):
    page = opened(browser, made.path, "#t=2&unit=1&layer=0")
    words = page.locator("#words button").all_text_contents()
    assert words == list(made.found.shown.words)
    assert "".join(words).startswith(TEXT[:10]) or words[:3] == ["a", "grand", "film"]
    assert page.locator("#words [aria-current=true]").text_content() == words[2]
    page.locator("#words button").nth(1).click()
    assert page.evaluate("recuerdoPage.cursor.t") == 1
    page.close()


@needs_browser
@few
def test_nobody_is_kept_out(browser, made):
    from axe_playwright_python.sync_playwright import Axe

    for scheme in ("light", "dark"):
        page = opened(browser, made.path, color_scheme=scheme)
        found = [each for each in Axe().run(page).response["violations"] if each["impact"] in ("serious", "critical")]
        assert found == [], [(each["id"], each["nodes"][0]["html"][:200]) for each in found]
        page.close()


@needs_browser
@few
def test_on_a_telephone_nothing_runs_over(browser, made):
    page = opened(browser, made.path, viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


@needs_browser
@few
def test_on_paper_there_are_all_five_views(browser, made):
    from pypdf import PdfReader

    page = opened(browser, made.path, color_scheme="dark")
    text = "\n".join(each.extract_text() for each in PdfReader(io.BytesIO(page.pdf())).pages)
    for number, view in enumerate(VIEWS, 1):
        assert f"{number}. {view}" in text
    page.emulate_media(media="print")
    assert page.locator("section .chart canvas").first.is_visible()
    assert page.locator("#cell svg").is_visible()
    page.close()


@needs_browser
def test_a_click_moves_the_cursor_and_writes_a_formula_out(browser, tmp_path):
    model, data = of_layer("LSTM")
    rc.memory.audit(model, data).to_html(tmp_path / "page.html")
    page = opened(browser, tmp_path / "page.html", "#t=5&unit=3&layer=1")
    strip = page.locator(".strip .chart:visible").first
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    page.wait_for_function("recuerdoPage.cursor.t !== 5")
    assert page.evaluate("recuerdoPage.cursor.layer") == 1
    page.locator("#cell .asked [role=button]").first.press("Enter")
    written_out = page.locator("#formulas").inner_text()
    assert "f = sigmoid(a_f) = sigmoid(" in written_out
    assert "derivative by a_f" in written_out
    page.close()


@needs_browser
def test_names_and_words_of_strangers_stay_words(browser, tmp_path):
    import pandas as pd

    bad = "</script><script>document.title = 'taken'</script><b>"
    rows = np.random.default_rng(0).standard_normal((40, 2))
    months = pd.date_range("2020-01-01", periods=40, freq="MS")
    table = pd.DataFrame({"month": months, bad: rows[:, 0], "sales": rows[:, 1].cumsum()})
    options = {"hidden_size": 4, "max_steps": 2, "random_state": 0, "baselines": None, "verbose": False, "trial": False}
    model = rc.Forecaster(2, **options).fit(table, target="sales", past=[bad])
    rc.memory.audit(model, table).to_html(tmp_path / "series.html", title=bad)
    texts = [f"good {bad} film", "bad film"] * 10
    judge = rc.SequenceClassifier(bag=False, **options).fit(texts, [1, 0] * 10)
    rc.memory.audit(judge, (texts, [1, 0] * 10)).to_html(tmp_path / "text.html", title=bad)
    for name in ("series", "text"):
        page = opened(browser, tmp_path / f"{name}.html")
        assert page.title() == bad
        assert page.locator("h1").inner_text() == bad
        assert page.complaints == []
        page.close()


@needs_browser
def test_a_slider_goes_through_the_training_that_was_watched(browser, tmp_path):
    torch.manual_seed(0)
    x = torch.randn(64, 12, 1)
    net = rc.nn.Stack(rc.nn.GRU(1, 5), torch.nn.Linear(5, 1))
    batches = rc.learn.ArrayBatches({"x": x}, x.sum(dim=1), batch_size=16)
    problem = rc.learn.Problem(net, batches, lambda y, batch: (y - batch.target).square().mean())
    seen = rc.memory.FlowHistory(problem, share=0.9)
    rc.learn.fit(problem, settings=rc.learn.Settings(max_steps=20), callbacks=[seen], random_state=0, verbose=False)
    rc.memory.audit(problem).to_html(tmp_path / "page.html", training=seen)
    page = opened(browser, tmp_path / "page.html")
    assert page.locator("#seen").inner_text() == "after 20 steps: the dashed red line"
    page.locator("#epoch").press("Home")
    assert page.locator("#seen").inner_text() == "after 0 steps: the dashed red line"
    drawn = page.evaluate(
        """[...Bokeh.documents[0]._all_models.values()].find(each => each.name === 'seen in training').data.total"""
    )
    np.testing.assert_allclose(drawn, seen.rows[0].total["encoder.l0"], rtol=1e-3)
    page.close()


def test_two_hundred_steps_of_sixty_four_units_stay_below_three_megabytes(tmp_path):
    torch.manual_seed(0)
    found = rc.memory.audit(rc.nn.LSTM(3, 64), torch.randn(4, 200, 3))
    size = found.to_html(tmp_path / "page.html").stat().st_size
    assert size < 3e6, size


def test_gradients_are_drawn_as_they_are_or_leave_the_chart():
    from recuerdo.show.memory_charts import MemoryCharts

    torch.manual_seed(0)
    found = rc.memory.audit(rc.nn.FRNN(2, 7), torch.randn(6, 15, 2))
    (flow,), (other,) = found.gradient_flow, found.untrained.gradient_flow
    lines = [each.data_source.data["y"] for each in MemoryCharts(found).figures["flow"].renderers[:4]]
    for drawn, measured in zip(lines, (flow.total, flow.direct, flow.recurrent, other.total), strict=True):
        left_out = np.isnan(drawn)
        np.testing.assert_array_equal(drawn[~left_out], measured[~left_out])
        assert (measured[left_out] < 1e-4 * flow.total.max()).all()
        assert not left_out.all()


def test_a_portrait_is_what_was_recorded():
    model, x = of_layer("LSTM", bidirectional=True)
    found = rc.memory.audit(model, x)
    assert found.shown is not None
    np.testing.assert_allclose(found.shown.values, x[0], rtol=1e-6)
    output, _ = model(x)
    joined = np.concatenate([found.portraits[k].states["h"] for k in (2, 3)], axis=1)
    np.testing.assert_allclose(joined, output[0].detach(), atol=1e-6)
    constants = found.portraits[0].time_constants
    assert (np.diff(constants[found.portraits[0].order]) <= 0).all()
    assert found.untrained is not None
    assert not np.allclose(found.untrained.layers[0].states["h"], found.portraits[0].states["h"])


def test_where_it_cannot_be_written_is_said(tmp_path):
    found = rc.memory.audit(rc.nn.GRU(1, 3), torch.randn(4, 8, 1))
    with pytest.raises(OptionError, match="ends in"):
        found.to_html(tmp_path / "page.pdf")
    with pytest.raises(OutputError, match="cannot be written"):
        found.to_html(tmp_path / "nowhere" / "page.html")
