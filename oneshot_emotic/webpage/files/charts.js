/* The charts of all pages, drawn by Observable Plot from data of the page.

charts.show(place, build) puts a chart into an element and draws it again when its width changes;
build(width) gives it, made by one of the others: charts.dots, heat, curve, or plot. Colours are the
page's custom properties, so that they follow light and dark. */
"use strict";

/** The page's data, as its maker gave it. */
const pageData = () => JSON.parse(document.getElementById("data").textContent);

const charts = (() => {
  const PALETTE = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => `var(--c${number})`);
  const TICKS = { tickSize: 0, labelArrow: "none" };

  /** A figure in per cent, as Python writes it: halves to the even digit, no minus before zero. */
  function percent(value, digits = 1) {
    if (value === null || value === undefined) return "–";
    let shown = 100 * value;
    if (digits === 1 && Math.abs(shown) % 1 === 0.25) shown -= Math.sign(shown) * 0.01;
    const text = shown.toFixed(digits);
    return Number(text) === 0 ? text.replace("-", "") : text;
  }

  /** `mean [low, high]` in per cent; the mean alone without an interval. */
  function interval({ mean, low, high }, digits = 1) {
    const [middle, from, to] = [mean, low, high].map((x) => percent(x, digits));
    const none = low === null || low === undefined || (from === middle && to === middle);
    return none ? middle : `${middle} [${from}, ${to}]`;
  }

  /** A chart by Plot, without the style elements that the page's policy forbids. */
  function plot(options) {
    const chart = Plot.plot({ className: "plot", style: { fontSize: "12px" }, ...options });
    for (const style of chart.querySelectorAll("style")) style.remove();
    // One picture with one name: that of the whole, not those of its marks and colour keys.
    for (const mark of chart.querySelectorAll("g[aria-label]")) mark.removeAttribute("aria-label");
    for (const key of chart.querySelectorAll("[class*=swatch] svg")) key.setAttribute("aria-hidden", "true");
    const picture = chart.tagName === "svg" ? chart : chart.querySelector(":scope > svg");
    picture.setAttribute("role", "img");
    return chart;
  }

  /** Put a chart into an element, now and whenever its width changes. */
  function show(place, build) {
    let drawn = 0;
    const draw = () => {
      const width = Math.floor(place.clientWidth);
      if (width < 1 || width === drawn) return;
      drawn = width;
      place.replaceChildren(build(width));
    };
    place.observer?.disconnect();
    place.observer = new ResizeObserver(draw);
    place.observer.observe(place);
    draw();
  }

  const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

  /** Dots with their intervals, a line each, from top to bottom.

  rows: {name, mean, low, high} each; key (if any) tells rows of one name apart, group (if any)
  gives the colour, title what shows under the pointer. Of options: width, label (of the axis),
  rule (a line there, as chance) and ruleLabel, brackets ({x, from, to}: keys of rows that are
  tied), marks (more of Plot's), and others of Plot's. */
  function dots(rows, { width, label, rule = 0, ruleLabel, brackets = [], marks = [], ...more }) {
    const left = Math.min(0.42 * width, 20 + 7 * Math.max(...rows.map((row) => row.name.length)));
    const groups = [...new Set(rows.map((row) => row.group ?? ""))];
    const scaled = rows.map((row) => ({
      key: row.name,
      group: "",
      ...row,
      title: row.title ?? `${row.name}${row.group ? `, ${row.group}` : ""}\n${interval(row)}`,
      ...Object.fromEntries(
        ["mean", "low", "high"].map((x) => [x, Number.isFinite(row[x]) ? 100 * row[x] : NaN]),
      ),
    }));
    const named = new Map(scaled.map((row) => [row.key, row.name]));
    return plot({
      width,
      height: 60 + (groups.length > 1 ? 14 * groups.length : 22) * named.size,
      marginLeft: left,
      marginRight: 24,
      marginBottom: 44,
      ariaLabel: `${label}: ${rows.map((row) => `${row.name} ${row.group ?? ""} ${interval(row)}`).join("; ")}`,
      x: { label, labelAnchor: "center", grid: true, insetLeft: 8, insetRight: 8, ...TICKS },
      y: { label: null, domain: [...named.keys()], tickFormat: (x) => cut(named.get(x), left / 7), ...TICKS },
      color: { domain: groups, range: PALETTE, legend: groups.length > 1 },
      ...more,
      marks: [
        Plot.ruleX([100 * rule], { stroke: "var(--quiet)", strokeDasharray: "3 3" }),
        ruleLabel ? Plot.text([100 * rule], { x: (x) => x, frameAnchor: "top", dy: -10, text: () => ruleLabel, fill: "var(--quiet)" }) : null,
        ...groups.map((group, place) => {
          const dy = 10 * (place - (groups.length - 1) / 2);
          const of = scaled.filter((row) => row.group === group);
          return [
            Plot.ruleY(of.filter((row) => Number.isFinite(row.low)), { x1: "low", x2: "high", y: "key", dy, stroke: "group", strokeWidth: 2 }),
            Plot.dot(of, { x: "mean", y: "key", dy, r: 4, fill: "group", title: "title", tip: true }),
          ];
        }),
        Plot.ruleX(brackets, { x: "x", y1: "from", y2: "to", stroke: "var(--quiet)", strokeWidth: 3, insetTop: -7, insetBottom: -7 }),
        ...marks,
      ],
    });
  }

  /** The share of each true class (row) taken for each class, as a heat map of a square matrix. */
  function heat(classes, matrix, { width, ...more }) {
    const cells = matrix.flatMap((row, i) =>
      row.map((value, j) => ({ truth: classes[i], taken: classes[j], value })),
    );
    const longest = Math.max(...classes.map((x) => x.length));
    const left = Math.min(0.35 * width, 40 + 7 * longest);
    const turned = 7 * longest > (width - left) / classes.length;
    return plot({
      width,
      height: (turned ? 108 : 52) + 34 * classes.length,
      marginLeft: left,
      marginTop: turned ? 100 : 44,
      marginRight: turned ? 40 : 20,
      marginBottom: 8,
      ariaLabel: `Confusion: ${cells.map((d) => `${d.truth} taken for ${d.taken} ${percent(d.value)}`).join("; ")}`,
      x: { axis: null, domain: classes, padding: 0.04 },
      y: { label: null, domain: classes, tickFormat: (x) => cut(x, left / 7), padding: 0.04, ...TICKS },
      ...more,
      marks: [
        Plot.axisX({ anchor: "top", label: null, tickSize: 0, tickRotate: turned ? -40 : 0, textAnchor: turned ? "start" : "middle" }),
        Plot.cell(cells, { x: "taken", y: "truth", fill: "var(--accent)", fillOpacity: (d) => 0.75 * (d.value ?? 0), stroke: "var(--line)" }),
        Plot.text(cells, { x: "taken", y: "truth", text: (d) => percent(d.value), fill: "var(--ink)", fontSize: Math.min(12, (width - left) / classes.length / 3.4) }),
        Plot.tip(cells, Plot.pointer({ x: "taken", y: "truth", title: (d) => `${d.truth} taken for ${d.taken}: ${percent(d.value)} %` })),
      ],
    });
  }

  /** Lines with bands, as accuracy by shots.

  points: {x, mean, low, high, group} each; rule: a dashed line there, as chance. */
  function curve(points, { width, label, along, rule, ...more }) {
    const groups = [...new Set(points.map((point) => point.group ?? ""))];
    const scaled = points.map((p) => ({ ...p, group: p.group ?? "", mean: 100 * p.mean, low: 100 * (p.low ?? p.mean), high: 100 * (p.high ?? p.mean) }));
    return plot({
      width,
      height: 300,
      ariaLabel: `${label}: ${points.map((p) => `${p.group ?? ""} ${p.x}: ${interval(p)}`).join("; ")}`,
      marginBottom: 44,
      x: { label: along, labelAnchor: "center", ...TICKS },
      y: { label, grid: true, ...TICKS },
      color: { domain: groups, range: PALETTE.slice(0, groups.length), legend: groups.length > 1 },
      ...more,
      marks: [
        Plot.ruleY(rule === undefined ? [] : [100 * rule], { stroke: "var(--quiet)", strokeDasharray: "3 3" }),
        Plot.areaY(scaled, { x: "x", y1: "low", y2: "high", z: "group", fill: "group", fillOpacity: 0.15 }),
        Plot.lineY(scaled, { x: "x", y: "mean", z: "group", stroke: "group", strokeWidth: 2 }),
        Plot.dot(scaled, { x: "x", y: "mean", fill: "group", r: 4, title: (p) => `${p.group} ${p.x}: ${percent(p.mean / 100)}`, tip: true }),
      ],
    });
  }

  return { PALETTE, TICKS, percent, interval, plot, show, cut, dots, heat, curve };
})();
