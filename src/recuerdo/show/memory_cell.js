"use strict";
// The unfolded cell at the cursor: one box for each of five steps, what is handed on between them, and behind each edge
// the factor that a gradient meets on its way back.
window.recuerdoCell = (function () {
  const S = 56, WIDE = 3.3, HIGH = 3.75, GAP = 1.25, AROUND = 2, BUS = 0.8, LOW = 0.38, TOP = 2.95;
  const GLASS = { wide: 0.54, high: 0.78, low: 1.15 };
  const make = (tag, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, each] of Object.entries(attributes)) made.setAttribute(key, each);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  let chosen = null;

  return function draw(page) {
    const { t, unit, layer: number } = page.cursor, layer = page.meta.layers[number], back = layer.reverse ? 1 : -1;
    const host = document.getElementById("cell"), board = document.getElementById("formulas");
    const shown = [];
    for (let k = t - AROUND; k <= t + AROUND; k++) if (k >= 0 && k < layer.steps) shown.push(k);
    const count = 2 * AROUND + 1;
    const svg = make("svg", { viewBox: `0 0 ${S * (count * (WIDE + GAP) + GAP)} ${S * (HIGH + 2.55)}`, role: "group",
      "aria-label": `Unit ${unit} of ${layer.name}, unfolded around step ${t}` });
    const line = (symbol) => layer.lines.find((each) => each.name === symbol);
    const known = (at) => (symbol) => page.value(symbol, at, unit, number);
    const slope = (of, by, at) => { const one = line(of); return one && one.code !== null ? page.work(one.code, known(at), by).slope : NaN; };
    const Y = (y) => S * (HIGH + 1.15 - y);
    const memory = layer.states[layer.states.length - 1], sign = back < 0 ? "-" : "+";
    const before = (state) => `${state}_{t${sign}1}`;

    function box(at) {
      const left = GAP + (at - t + AROUND) * (WIDE + GAP), X = (x) => S * (left + (layer.reverse ? WIDE - x : x));
      const group = make("g", { class: at === t ? "asked" : "" });
      const text = (x, y, words, kind = "") => group.append(make("text", { x: X(x), y: Y(y), class: kind }, words));
      const wire = (points, end) => group.append(make("polyline", { points: points.map(([x, y]) => `${X(x)},${Y(y)}`).join(" "), class: "wire", ...(end ? { "marker-end": "url(#tip)" } : {}) }));
      const get = known(at);
      const node = (words, symbols, put) => {
        const part = make("g", { role: "button", tabindex: "0", "aria-label": `${words}, step ${at}` });
        put(part);
        const show = () => { chosen = symbols; page.move({ t: at }); };
        part.addEventListener("click", show);
        part.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); show(); } });
        group.append(part);
      };
      const glass = (x, symbol, signed, symbols) => node(symbol, symbols, (part) => {
        const filled = Math.max(-1, Math.min(1, get(symbol))), y0 = GLASS.low, h = GLASS.high;
        const zero = signed ? y0 + h / 2 : y0, size = (signed ? h / 2 : h) * Math.abs(filled), low = filled < 0 ? zero - size : zero;
        const x0 = Math.min(X(x - GLASS.wide / 2), X(x + GLASS.wide / 2));
        part.append(make("rect", { x: x0, y: Y(y0 + h), width: S * GLASS.wide, height: S * h, class: "glass" }));
        part.append(make("rect", { x: x0, y: Y(low + size), width: S * GLASS.wide, height: S * size, class: signed ? "signed" : "share" }));
        part.append(make("text", { x: X(x), y: Y(y0 + h / 2) }, page.short(get(symbol))));
        part.append(make("text", { x: X(x), y: Y(y0 + h + 0.15), "font-style": "italic" }, symbol.replace("_t", "")));
      });
      const dot = (x, y, words, symbols, told) => node(told || words, symbols, (part) => {
        part.append(make("circle", { cx: X(x), cy: Y(y), r: 0.15 * S, class: "glass" }));
        part.append(make("text", { x: X(x), y: Y(y) }, words));
      });
      group.append(make("rect", { x: S * left, y: Y(HIGH), width: S * WIDE, height: S * HIGH, rx: 10, class: "frame" }));
      const input = page.meta.words ? `“${page.meta.words[at]}”` : page.meta.inputs ? page.meta.inputs[at].slice(0, 2).map(page.short).join(", ") + (page.meta.inputs[at].length > 2 ? " …" : "") : "";
      text(WIDE / 2, -0.75, input && `x = ${input}`);
      text(WIDE / 2, -1.05, `t = ${at}`);
      wire([[WIDE / 2, -0.55], [WIDE / 2, layer.gates.length ? BUS : GLASS.low]], true);
      if (layer.gates.length) gated(at, { X, text, wire, glass, dot, get });
      else plain(at, { text, wire, glass, get });
      svg.append(group);
    }

    function lanes(heights, at, { text, wire, get }) {
      const earlier = at + back, first = earlier < 0 || earlier >= layer.steps || !shown.includes(earlier);
      for (const [state, y] of heights) {
        if (first) {
          wire([[-GAP, y], [0, y]], true);
          text(-GAP / 2, y + 0.17, `${state} ${page.short(get(before(state)))}`);
          text(-GAP / 2, y - 0.17, `× ${page.short(slope(`${state}_t`, before(state), at))}`, "back");
        }
        wire([[WIDE, y], [WIDE + GAP, y]], true);
        text(WIDE + GAP / 2, y + 0.17, `${state} ${page.short(get(`${state}_t`))}`);
        const later = at - back;
        if (later >= 0 && later < layer.steps) {
          const factor = slope(`${state}_t`, before(state), later);
          if (Number.isFinite(factor) && (state === memory || factor !== 0)) text(WIDE + GAP / 2, y - 0.17, `× ${page.short(factor)}`, "back");
        }
      }
    }

    function gated(at, tools) {
      const { text, wire, glass, dot, get } = tools;
      const order = [...layer.gates].sort((a, b) => (b === layer.forgets) - (a === layer.forgets));
      const step = (WIDE - 1.1) / (order.length - 1), where = Object.fromEntries(order.map((gate, k) => [gate, 0.45 + k * step]));
      const candidate = layer.candidates[0], writes = layer.writes || layer.forgets, wide = layer.states.length > 1;
      lanes(layer.states.map((state) => [state, state === memory ? TOP : LOW]), at, tools);
      wire([[where[order[0]], BUS], [where[order[order.length - 1]], BUS]]);
      wire([[0, TOP], [WIDE, TOP]]);
      if (wide) wire([[0, LOW], [0.2, LOW], [0.2, BUS], [where[order[0]], BUS]]);
      else wire([[0.14, TOP], [0.14, BUS], [where[order[0]], BUS]]);
      for (const gate of order) {
        const x = where[gate], signed = layer.candidates.includes(gate), out = WIDE - 0.13;
        wire([[x, BUS], [x, GLASS.low]], true);
        const rim = GLASS.low + GLASS.high + 0.3, join = rim + 0.2;
        if (gate === layer.forgets) wire([[x, rim], [x, TOP]]);
        if (gate === candidate) wire([[x, rim], [x, TOP]]);
        if (gate === writes && gate !== candidate) wire([[x, rim], [x, join], [where[candidate], join]]);
        if (wide && gate !== layer.forgets && gate !== layer.writes && gate !== candidate) {
          wire([[x, TOP], [x, rim]]);
          wire([[x, join], [out, join], [out, LOW], [WIDE, LOW]]);
          wire([[out, join], [out, HIGH + 0.2]], true);
          dot(x, join, "×", ["h_t"], "what is shown");
        }
        if (!wide && gate !== layer.forgets && gate !== candidate)
          wire([[x + GLASS.wide / 2, GLASS.low + 0.4], [where[candidate] - GLASS.wide / 2, GLASS.low + 0.4]], true);
        glass(x, gate, signed, [`Wx_${gate}`, `Uh_${gate}`, `a_${gate}`, gate]);
        const inner = (line(gate) || {}).code;
        if (inner) text(x + 0.3, BUS + 0.18, `×${slope(gate, page.namesIn(inner)[0], at).toFixed(2)}`, "back");
      }
      const kept = layer.lines.find((each) => each.name.endsWith(before(memory)) && each.name.startsWith(layer.forgets));
      const added = layer.lines.find((each) => each.name.endsWith(`* ${candidate}`));
      const sum = [kept, added].filter(Boolean).map((each) => each.name);
      dot(where[layer.forgets], TOP, "×", kept ? [kept.name] : [`${memory}_t`], "kept");
      if (kept) text(where[layer.forgets], TOP + 0.32, page.short(get(kept.name)));
      dot(where[candidate], TOP, "+", [...sum, `${memory}_t`], "added");
      if (added) text(where[candidate], TOP + 0.32, page.short(get(added.name)));
      if (!wide) wire([[WIDE - 0.13, TOP], [WIDE - 0.13, HIGH + 0.2]], true);
      text(WIDE - 0.13, HIGH + 0.4, `y = h ${page.short(get("h_t"))}`);
    }

    function plain(at, tools) {
      const { text, wire, glass, get } = tools, middle = GLASS.low + GLASS.high / 2, x = WIDE / 2;
      lanes([["h", middle]], at, tools);
      wire([[0, middle], [x - GLASS.wide / 2, middle]], true);
      wire([[x + GLASS.wide / 2, middle], [WIDE, middle]]);
      wire([[WIDE - 0.3, middle], [WIDE - 0.3, HIGH + 0.2]], true);
      glass(x, "h_t", true, ["Wx", "Uh", "a", "h_new", "h_t"]);
      text(x, GLASS.low - 0.5, `input ${page.short(get("Wx"))}`);
      text(0.55, middle + 0.3, `past ${page.short(get("Uh"))}`);
      const top = line("h_new") || line("h_t");
      if (top && top.code !== null) text(x + 0.45, GLASS.low - 0.2, `× ${page.short(slope(top.name, page.namesIn(top.code)[0], at))}`, "back");
      text(WIDE - 0.3, HIGH + 0.4, `y = h ${page.short(get("h_t"))}`);
    }

    const tip = make("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto" });
    tip.append(make("path", { d: "M0,0 L8,4 L0,8 z", fill: "currentColor" }));
    const defs = make("defs", {});
    defs.append(tip);
    svg.append(defs);
    shown.forEach(box);
    host.replaceChildren(svg);
    const symbols = (chosen || []).filter(line);
    const wanted = symbols.length ? symbols : layer.lines.map((each) => each.name).filter((each) => each.endsWith("_t"));
    board.textContent = `step ${t}, unit ${unit}\n` + wanted.map((each) => page.told(line(each), t, unit, number)).join("\n");
  };
})();
