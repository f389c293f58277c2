/* The charts of a report, each in its <div data-chart>, from the page's data. */
"use strict";

(() => {
  const report = pageData();
  const submission = Object.fromEntries(report.submissions.map((x) => [x.letter, x]));
  const titles = report.submissions.map((x) => x.title);
  const title = (letter) => submission[letter].title;
  const of = (letter, task) => submission[letter].scores.tasks[task];
  const share = (value) => `${charts.percent(value)} %`;

  /** Dots of a figure for each submission of a task: rows {name, mean, low, high}. */
  function dotsOf(task, width, rows, options) {
    const all = report.tasks[task].entries.flatMap(({ submission: letter }) =>
      rows(letter).map((row) => ({ group: title(letter), ...row, title: `${title(letter)}\n${row.name}: ${charts.interval(row)}` })),
    );
    return charts.dots(all, { width, ...options });
  }

  /** Histograms over draws, one below the other: rows {name, values, estimate}. */
  function spread(width, label, rows) {
    const values = rows.flatMap(({ name, values }) => values.filter((x) => x !== null).map((x) => ({ name, value: 100 * x })));
    const colour = Object.fromEntries(rows.map((row) => [row.name, row.colour]));
    const ends = rows.map(({ name, estimate }) => ({ name, mean: 100 * estimate.mean, draw_0: estimate.draw_0 === null ? NaN : 100 * estimate.draw_0 }));
    return charts.plot({
      width,
      height: 50 + 90 * rows.length,
      marginLeft: 12,
      marginBottom: 40,
      ariaLabel: `${label}: ${rows.map((row) => `${row.name} mean ${share(row.estimate.mean)}, draw 0 ${share(row.estimate.draw_0)}`).join("; ")}`,
      x: { label, labelAnchor: "center", ...charts.TICKS },
      y: { axis: null, insetTop: 20 },
      fy: { axis: null, domain: rows.map((row) => row.name) },
      marks: [
        Plot.rectY(values, Plot.binX({ y: "count" }, { x: "value", fy: "name", fill: (d) => colour[d.name], thresholds: 40, insetLeft: 0.5, insetRight: 0 })),
        Plot.ruleY([0], { stroke: "var(--line)" }),
        Plot.ruleX(ends, { x: "mean", fy: "name", stroke: "var(--ink)" }),
        Plot.dot(ends, { x: "draw_0", fy: "name", y: 0, dy: -6, r: 5, stroke: "var(--ink)", strokeWidth: 2, fill: "var(--paper)" }),
        Plot.text(rows, { fy: "name", text: (d) => charts.cut(`${d.name}: mean ${share(d.estimate.mean)}, draw 0 ${share(d.estimate.draw_0)}`, width / 6.6), frameAnchor: "top-left", dx: 2, fill: "var(--ink)" }),
      ],
    });
  }

  function spreadOf(task, figure, width, label) {
    const rows = report.tasks[task].entries.flatMap(({ submission: letter, draws }) =>
      Object.entries(draws[figure])
        .filter(([, values]) => values !== null)
        .map(([shots, values]) => ({
          name: titles.length > 1 ? `${letter}, ${shots}-shot` : `${shots}-shot`,
          values,
          estimate: of(letter, task)[shots][figure],
          colour: charts.PALETTE[report.submissions.indexOf(submission[letter])],
        })),
    );
    return rows.length ? spread(width, label, rows) : null;
  }

  const makers = {
    overview: (width) => {
      const rows = report.submissions.flatMap((x) =>
        Object.keys(x.scores.tasks).map((task) => ({ name: task, group: x.title, ...x.scores.tasks[task][1].balanced_accuracy, title: `${x.title}\n${task}: ${charts.interval(x.scores.tasks[task][1].balanced_accuracy)}` })),
      );
      const chances = Object.entries(report.tasks).map(([name, task]) => ({ name, chance: 100 / task.classes.length }));
      return charts.dots(rows, {
        width: Math.min(width, 900),
        label: "1-shot balanced accuracy, %",
        marks: [Plot.tickX(chances, { x: "chance", y: "name", stroke: "var(--quiet)", strokeWidth: 2 })],
      });
    },
    differences: (width) =>
      charts.dots(
        report.differences.filter((x) => x.shots === 1).map((x) => ({ ...x, name: `${x.a} - ${x.b}, ${x.what}`, title: `${title(x.a)}\nless ${title(x.b)}\n${x.what}: ${charts.interval(x, 2)}` })),
        { width: Math.min(width, 900), label: "difference, points" },
      ),
    shots: (width, task) => {
      const { entries, classes } = report.tasks[task];
      const points = entries.flatMap(({ submission: letter }) =>
        Object.entries(of(letter, task))
          .map(([shots, figures]) => ({ x: Number(shots), group: title(letter), ...figures.balanced_accuracy }))
          .filter((point) => point.mean !== null),
      );
      return charts.curve(points, {
        width,
        label: "balanced accuracy, %",
        along: "shots",
        rule: 1 / classes.length,
        x: { label: "shots", labelAnchor: "center", ticks: [1, 2, 3, 4, 5], tickFormat: String, ...charts.TICKS },
      });
    },
    draws: (width, task) => spreadOf(task, "balanced_accuracy", width, "balanced accuracy of a draw, %"),
    plain: (width, task) => spreadOf(task, "accuracy", width, "plain accuracy of a draw, %"),
    recall: (width, task) =>
      dotsOf(task, width, (letter) => Object.entries(of(letter, task)[1].recall).map(([name, figure]) => ({ name, ...figure })), {
        label: "1-shot recall, %",
        rule: 1 / report.tasks[task].classes.length,
      }),
    confusion: (width, task, entry) => {
      const figures = of(entry.submission, task)[1];
      return charts.heat(figures.classes, figures.confusion, { width });
    },
    map: (width, task, entry) => {
      const { classes } = report.tasks[task];
      const shown = (d) => `${d.id}\n${d.class}${d.support ? ", support of draw 0" : d.taken ? `, taken for ${d.taken}` : ", no query of draw 0"}`;
      const supports = entry.map.filter((d) => d.support);
      return charts.plot({
        width,
        height: Math.min(width, 520),
        margin: 12,
        ariaLabel: `Map of ${entry.map.length} embeddings by t-SNE, coloured by class`,
        x: { axis: null },
        y: { axis: null },
        color: { type: "categorical", domain: classes, range: charts.PALETTE.slice(0, classes.length), legend: true },
        marks: [
          Plot.dot(entry.map, { x: "x", y: "y", fill: "class", r: 2.5, fillOpacity: 0.8 }),
          Plot.dot(supports, { x: "x", y: "y", fill: "class", r: 7, stroke: "var(--ink)", strokeWidth: 2 }),
          Plot.tip(entry.map, Plot.pointer({ x: "x", y: "y", title: shown, maxRadius: 20 })),
        ],
      });
    },
    hubs: (width, task, entry) => {
      const groups = ["share of predictions", "share of queries"];
      const rows = Object.entries(diagnostics(entry, task).hubs).flatMap(([name, hub]) =>
        [hub.predicted, hub.queries].map((mean, place) => ({ name, mean, group: groups[place], title: `${name}\n${groups[place]}: ${share(mean)}` })),
      );
      return charts.dots(rows, { width, label: "share, %" });
    },
    slices: (width, task, entry) => {
      const rows = Object.entries(diagnostics(entry, task).slices).map(([name, part]) => ({ name, mean: part.balanced_accuracy, title: `${name}: ${share(part.balanced_accuracy)}\n${part.persons} persons` }));
      return charts.dots(rows, { width, label: "balanced accuracy, %", rule: 1 / report.tasks[task].classes.length });
    },
  };

  /** Those of the first run with one shot. */
  function diagnostics(entry, task) {
    return entry.diagnostics[1] ?? of(entry.submission, task)[1].diagnostics;
  }

  for (const place of document.querySelectorAll("[data-chart]")) {
    const { chart, task, entry } = place.dataset;
    charts.show(place, (width) => makers[chart](width, task, report.tasks[task]?.entries[entry]) ?? "");
  }
})();
