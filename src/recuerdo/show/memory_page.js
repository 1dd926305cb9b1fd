"use strict";
// The page's one cursor (step, unit, layer): it is moved by keys, by taps and by the bar, stands in the address behind #,
// and every view follows it.
(function () {
  const meta = JSON.parse(document.getElementById("meta").textContent);
  const cursor = { t: 0, unit: 0, layer: 0 };
  const place = (id) => document.getElementById(id);
  let charts = null;

  const layerOf = () => meta.layers[cursor.layer];
  const models = (kind) => charts.filter((each) => kind(each));
  const clamp = (value, most) => Math.max(0, Math.min(most, Math.round(value) || 0));

  // Numbers of a layer: columns of its source hold a row for each unit, the longest time constants first.
  function read(number, column, t, unit) {
    const source = meta.sources[number], layer = meta.layers[number];
    const values = source.get_column ? source.get_column(column) : source.data[column];
    return values === undefined || values === null ? undefined : values[0][layer.rank[unit] * layer.steps + t];
  }

  function name(line) { return line.replace(/_t$/, ""); }

  // The value of a line, a state, or what is given, at a step: by name, or worked out from those that have one.
  function value(symbol, t, unit, number) {
    const layer = meta.layers[number];
    const given = read(number, "given " + symbol, t, unit);
    if (given !== undefined) return given;
    const before = symbol.match(/^(\w+)_\{t[+-]1\}$/);
    if (before) {
      const earlier = layer.reverse ? t + 1 : t - 1;
      if (earlier < 0 || earlier >= layer.steps) return layer.start[before[1]][unit];
      return read(number, before[1], earlier, unit);
    }
    const stored = read(number, name(symbol), t, unit);
    if (stored !== undefined && (symbol.endsWith("_t") || layer.gates.includes(symbol))) return stored;
    const line = layer.lines.find((each) => each.name === symbol);
    return line && line.code !== null ? work(line.code, (each) => value(each, t, unit, number)).value : NaN;
  }

  const functions = {
    sigmoid: (x) => [1 / (1 + Math.exp(-x)), (y) => y * (1 - y)],
    tanh: (x) => [Math.tanh(x), (y) => 1 - y * y],
    relu: (x) => [Math.max(0, x), (y) => (y > 0 ? 1 : 0)],
    identity: (x) => [x, () => 1],
  };

  // Work out a line, and its derivative by one of the names in it.
  function work(code, known, by) {
    if (typeof code === "number") return { value: code, slope: 0 };
    if (typeof code === "string") return { value: known(code), slope: code === by ? 1 : 0 };
    const [operation, ...parts] = code;
    const [a, b] = parts.map((part) => work(part, known, by));
    if (operation === "+") return { value: a.value + b.value, slope: a.slope + b.slope };
    if (operation === "-") return { value: a.value - b.value, slope: a.slope - b.slope };
    if (operation === "*") return { value: a.value * b.value, slope: a.slope * b.value + a.value * b.slope };
    if (operation === "/")
      return { value: a.value / b.value, slope: (a.slope * b.value - a.value * b.slope) / (b.value * b.value) };
    const made = functions[operation];
    if (!made) return { value: NaN, slope: NaN }; // of other activations the states are there, and no derivative
    const [result, derivative] = made(a.value);
    return { value: result, slope: derivative(result) * a.slope };
  }

  function namesIn(code) {
    if (typeof code === "string") return [code];
    return Array.isArray(code) ? [...new Set(code.slice(1).flatMap(namesIn))] : [];
  }

  const short = (x) => {
    if (!Number.isFinite(x)) return String(x);
    if (x !== 0 && (Math.abs(x) < 0.0005 || Math.abs(x) >= 1e5)) return x.toExponential(1);
    return x.toFixed(3);
  };

  function written(code, known) {
    if (typeof code === "number") return String(code);
    if (typeof code === "string") { const x = short(known(code)); return x.startsWith("-") ? `(${x})` : x; }
    const [operation, ...parts] = code;
    const inside = parts.map((part) => written(part, known));
    if (operation in functions || parts.length === 1) return `${operation}(${inside[0].replace(/^\((-[^()]*)\)$/, "$1")})`;
    const loose = (part) => Array.isArray(part) && ["+", "-"].includes(part[0]) && operation !== "+";
    return parts.map((part, k) => (loose(part) ? `(${inside[k]})` : inside[k])).join(` ${operation} `);
  }

  // One line of the cell in full: formula, numbers put in, value, and its derivatives by what stands in it.
  function told(line, t, unit, number) {
    const known = (each) => value(each, t, unit, number);
    const end = short(value(line.name, t, unit, number));
    const same = line.name === line.formula;
    if (line.code === null) return `${line.name} = ${line.formula} = ${end}`;
    const slopes = namesIn(line.code).map((each) => `by ${each}: ${short(work(line.code, known, each).slope)}`);
    return `${line.name}${same ? "" : ` = ${line.formula}`} = ${written(line.code, known)} = ${end}\n    derivative ${slopes.join(", ")}`;
  }

  window.recuerdoPage = { cursor, meta, value, work, namesIn, short, told, move,
    at: (t) => move({ t }), row: (t, row, number) => move({ t, layer: number, unit: meta.layers[number].order[clamp(row, meta.layers[number].order.length - 1)] }) };

  function move(to, quiet) {
    Object.assign(cursor, to);
    cursor.layer = clamp(cursor.layer, meta.layers.length - 1);
    cursor.t = clamp(cursor.t, layerOf().steps - 1);
    cursor.unit = clamp(cursor.unit, layerOf().order.length - 1);
    if (!quiet) history.replaceState(null, "", `#t=${cursor.t}&unit=${cursor.unit}&layer=${cursor.layer}`);
    if (charts) follow();
  }

  function follow() {
    const { t, unit, layer } = cursor, row = layerOf().rank[unit];
    for (const span of models((each) => each.type === "Span")) {
      if (span.tags.includes("t")) span.location = t;
      if (span.tags.includes(`unit ${layer}`)) span.location = row;
    }
    const stuck = charts.find((each) => each.name === `stuck ${layer}` && each.type === "ColumnDataSource");
    const shares = layerOf().stuck;
    if (stuck && shares) stuck.data = { x: [shares.left[unit]], y: [shares.right[unit]] };
    place("t").value = t;
    place("t").setAttribute("aria-valuetext", `step ${t}`);
    place("unit").value = unit;
    place("unit").max = layerOf().order.length - 1;
    place("layer").value = layer;
    place("t").max = layerOf().steps - 1;
    for (const part of document.querySelectorAll("[data-layer]")) part.hidden = Number(part.dataset.layer) !== layer;
    const shown = [...layerOf().gates, ...layerOf().states].map((each) => `${each} ${short(read(layer, each, t, unit))}`);
    const constant = layerOf().constants ? ` · time constant ${layerOf().constants[unit]} steps` : "";
    const input = meta.words ? ` · “${meta.words[t]}”` : meta.inputs ? ` · input ${meta.inputs[t].map(short).join(", ")}` : "";
    place("told").textContent = `step ${t}${input} · unit ${unit} of ${layerOf().name}: ${shown.join(", ")}${constant}`;
    colour();
    train();
    window.recuerdoCell(window.recuerdoPage);
  }

  // The flow of the cursor's layer at a place of the training.
  function train() {
    if (!place("epoch")) return;
    const row = meta.training[Number(place("epoch").value)], total = row.totals[cursor.layer];
    const source = charts.find((each) => each.name === "seen in training");
    source.data = { step: total.map((_, k) => k), total: total.map((x) => (x > 0 ? x : NaN)) };
    place("seen").textContent = `after ${row.step} steps: the dashed red line`;
    place("epoch").setAttribute("aria-valuetext", place("seen").textContent);
  }

  const dark = () => document.documentElement.classList.contains("dark");

  // Whether dark letters are the ones to be read on a colour: by its relative luminance, as WCAG has it.
  function light(colour) {
    const [r, g, b] = [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16) / 255).map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179;
  }

  // The text or the series in the colours of one unit's hidden state.
  function colour() {
    const { unit, layer } = cursor, state = layerOf().states[0], T = layerOf().steps;
    const row = Array.from({ length: T }, (_, t) => read(layer, state, t, unit));
    const most = Math.max(1e-9, ...row.map(Math.abs));
    const shades = meta.palettes.signed[dark() ? "dark" : "light"];
    document.querySelectorAll("#words button").forEach((word, t) => {
      const k = Math.round(((row[t] / Math.max(1, most) + 1) / 2) * (shades.length - 1));
      const shade = shades[clamp(k, shades.length - 1)];
      word.style.backgroundColor = shade;
      word.style.color = light(shade) ? "#111111" : "#ffffff";
      word.setAttribute("aria-current", t === cursor.t);
      word.title = `step ${t}: ${short(row[t])}`;
    });
    const series = charts.find((each) => each.name === "series");
    if (series) series.data = { ...series.data, unit: Float32Array.from(row, (x) => x / Math.max(1, most)) };
  }

  // Bokeh draws on canvases, which no style sheet reaches.
  function paint() {
    const night = matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.classList.toggle("dark", night);
    const ink = night ? "#d5d9df" : "#3a3f47";
    for (const each of charts) {
      if (each.type.endsWith("Axis"))
        Object.assign(each, { axis_label_text_color: ink, major_label_text_color: ink, axis_line_color: ink, major_tick_line_color: ink });
      if (each.type === "Legend") each.label_text_color = ink;
      if (each.type === "ColorBar") Object.assign(each, { major_label_text_color: ink, title_text_color: ink });
      if (each.type === "Text") each.text_color = ink;
      if (each.type === "LinearColorMapper") each.palette = meta.palettes[each.name][night ? "dark" : "light"];
    }
    if (cursor) follow();
  }

  function fromAddress() {
    const asked = new URLSearchParams(location.hash.slice(1)), to = {};
    for (const key of ["layer", "t", "unit"]) if (asked.has(key)) to[key] = Number(asked.get(key));
    return to;
  }

  const steps = { ArrowLeft: { t: -1 }, ArrowRight: { t: 1 }, PageUp: { t: -10 }, PageDown: { t: 10 }, ArrowUp: { row: 1 }, ArrowDown: { row: -1 } };
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, summary, .scroll, .cell")) return;
    const step = steps[event.key];
    if (event.key === "Home" || event.key === "End") move({ t: event.key === "Home" ? 0 : layerOf().steps - 1 });
    else if (step && step.t) move({ t: cursor.t + step.t });
    else if (step) {
      const { order, rank } = layerOf();
      move({ unit: order[clamp(rank[cursor.unit] + step.row, order.length - 1)] });
    } else return;
    event.preventDefault();
  });
  for (const key of ["t", "unit", "layer"])
    place(key).addEventListener("input", () => move({ [key]: Number(place(key).value) }));
  if (place("epoch")) place("epoch").addEventListener("input", train);
  document.querySelectorAll("#words button").forEach((word, t) => word.addEventListener("click", () => move({ t })));
  window.addEventListener("hashchange", () => move(fromAddress(), true));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);

  function begin() {
    const bokeh = window.Bokeh && Bokeh.documents[0];
    if (!bokeh || bokeh.roots().length < meta.charts) return void setTimeout(begin, 30);
    charts = [...bokeh._all_models.values()];
    meta.sources = meta.layers.map((_, k) => charts.find((each) => each.name === `layer ${k}` && each.type === "ColumnDataSource"));
    move({ t: meta.steps - 1, unit: meta.layers[0].order[0], ...fromAddress() }, true);
    paint();
    document.documentElement.dataset.ready = "true";
  }
  begin();
})();
