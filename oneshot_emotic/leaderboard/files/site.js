/* The leaderboard's page: one board and family at a time, filtered, sorted, drawn and compared.

All that a reader chooses is in the address, so that a link leads to what they saw. Names come from
strangers: they become text, never HTML. */
"use strict";

(() => {
  const { percent, interval } = charts;
  const DATA = pageData();
  const $ = (id) => document.getElementById(id);
  const NONE = "–";
  const DRAWN = 40; // rows in a chart; the table has all
  const DEFAULTS = ["rank", "name", "sees", "base", "seeds", "overall"];

  const said = (value) => (value === undefined ? "not said" : value === true ? "yes" : value === false ? "no" : String(value));
  const millions = (row) => (row.parameters === undefined ? "" : `${(row.parameters / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} M`);

  /** What one filters by: its name in the address, its label, and a row's answer. */
  const FILTERS = [
    ["images", "Saw test images", (row) => said(row.seen_test_images)],
    ["words", "Saw words of unseen classes", (row) => said(row.seen_unseen_names)],
    ["base", "Base used", (row) => said(row.base)],
    ["pretraining", "Pretraining", (row) => said(row.pretraining)],
    ["seeds", "Seeds", (row) => row.seeds],
    ["carried", "Figures are", (row) => (row.carried ? "carried over" : "recomputed")],
  ];

  const bounds = (three) => (three ? interval({ mean: three[0], low: three[1], high: three[2] }) : NONE);
  /** Figures of a task that may have a column: their key, what they are called, how they show. */
  const MORE = [
    ["five", "5-shot", bounds],
    ["plain", "plain", percent],
    ["f1", "macro-F1", percent],
    ["error", "error in levels", (value) => value?.toFixed(2) ?? NONE],
  ];

  /** A state from the address, and back. */
  const state = {};
  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    const place = document.getElementById(location.hash.slice(1));
    for (const key of Object.keys(state)) delete state[key];
    for (const [key, value] of given) if (value) state[key] = value;
    if (place) Object.assign(state, { board: place.dataset.board ?? place.id, family: place.dataset.family });
    const known = [...document.querySelectorAll("#boards [data-board]")].map((link) => link.dataset.board);
    if (!known.includes(state.board)) state.board = known[0];
    const families = Object.keys(board()?.families ?? {});
    if (!families.includes(state.family)) state.family = families[0];
  }
  function write() {
    history.replaceState(null, "", address({}));
  }
  function address(changes) {
    const all = Object.entries({ ...state, ...changes }).filter(([, value]) => value);
    return `#${new URLSearchParams(all)}`;
  }

  const board = () => DATA[state.board];
  const tasks = () => board().families[state.family];
  const pins = () => (state.pin ?? "").split(",").filter((slug) => board()?.rows.some((row) => row.slug === slug)).slice(0, 2);
  const rowOf = (slug) => board().rows.find((row) => row.slug === slug);
  const names = () => {
    const [a, b] = pins().map((slug) => rowOf(slug).name);
    return a === b ? pins().map((slug) => `${rowOf(slug).name} (${slug})`) : [a, b];
  };

  function element(tag, attributes = {}, ...children) {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...children);
    return made;
  }

  /* The table. */

  let table = null;

  function entries() {
    const rows = board().rows.filter((row) => row.places[state.family]);
    const order = (row) => row.places[state.family].rank ?? Infinity;
    rows.sort((a, b) => order(a) - order(b) || (b.places[state.family].mean ?? -9) - (a.places[state.family].mean ?? -9));
    const figures = (of, overall) => ({
      of,
      overall: overall?.mean ?? null,
      ...Object.fromEntries(tasks().map((task) => [task, of.tasks[task]?.mean ?? null])),
      ...Object.fromEntries(MORE.flatMap(([key]) => tasks().map((task) => [`${key} ${task}`, [of.tasks[task]?.[key] ?? null].flat()[0]]))),
    });
    return [
      ...rows.map((row) => ({ ...row, ...figures(row, row.places[state.family]), rank: row.places[state.family].rank, tied: row.places[state.family].tied })),
      ...board().controls.filter((x) => x.overall[state.family]).map((x) => ({ control: true, name: x.name, ...figures(x, x.overall[state.family]) })),
    ];
  }

  function shown(row) {
    if (row.control) return true;
    const most = Number(state.most);
    return (
      FILTERS.every(([key, , answer]) => !state[key] || answer(row) === state[key]) &&
      (!state.most || !(most >= 0) || row.parameters <= most * 1e6) &&
      row.name.toLowerCase().includes((state.name ?? "").toLowerCase())
    );
  }

  const NUMBERS = { hozAlign: "right", headerHozAlign: "right", sorter: "number", sorterParams: { alignEmptyValues: "bottom" }, headerSortStartingDir: "desc" };

  function columns() {
    const title = (cell) => element("button", { type: "button", className: "sort", textContent: cell.getValue() });
    const column = (text, field, more) => ({ title: text, field, titleFormatter: title, visible: visible(field), ...more });
    const figure = (get) => ({ ...NUMBERS, formatter: (cell) => get(cell.getData().of) });
    const text = { formatter: (cell) => element("span", { textContent: cell.getValue() || (cell.getData().control ? "" : NONE) }) };
    return [
      { title: "pin", field: "pin", headerSort: false, formatter: pinBox, hozAlign: "center" },
      column("#", "rank", { sorter: "number", sorterParams: { alignEmptyValues: "bottom" }, formatter: rankText }),
      column("submission", "name", { sorter: "string", formatter: nameLink, variableHeight: true, cssClass: "wrap", ...(innerWidth < 600 && { width: 150 }) }),
      column("sees", "sees", text),
      column("base", "base", text),
      column("seeds", "seeds", text),
      column("overall", "overall", { ...NUMBERS, formatter: (cell) => overallText(cell.getData()) }),
      ...tasks().map((task) => column(task, task, figure((of) => (of.tasks[task] ? interval(of.tasks[task]) : NONE)))),
      ...MORE.filter(([key]) => key !== "error" || state.family !== "cat").flatMap(([key, words, text]) =>
        tasks().map((task) => column(`${task}, ${words}`, `${key} ${task}`, figure((of) => text(of.tasks[task]?.[key]))))),
      column("saw words", "seen_unseen_names", { formatter: (cell) => answerText(cell) }),
      column("saw test images", "seen_test_images", { formatter: (cell) => answerText(cell) }),
      column("backbone", "backbone", text),
      column("pretraining", "pretraining", text),
      column("parameters", "parameters", { ...NUMBERS, formatter: (cell) => millions(cell.getData()) }),
      column("licence", "licence", text),
      column("date", "date", text),
    ];
  }
  const visible = (field) => (state.columns ? state.columns.split("|").includes(field) : [...DEFAULTS, ...tasks()].includes(field));
  const answerText = (cell) => (cell.getData().control ? "" : said(cell.getValue()));
  const overallText = (row) => (row.overall === null ? NONE : interval(row.control ? row.of.overall[state.family] : row.places[state.family]));
  function rankText(cell) {
    const row = cell.getData();
    return row.control ? "" : row.rank === null ? NONE : `${row.rank}${row.tied ? " ≈" : ""}`;
  }
  function nameLink(cell) {
    const row = cell.getData();
    if (row.control) return element("em", { textContent: row.name });
    const link = element("a", { href: `rows/${encodeURIComponent(row.slug)}.html`, textContent: row.name });
    return element("span", {}, link, row.marks ? ` ${row.marks}` : "");
  }
  function pinBox(cell) {
    const row = cell.getData();
    if (row.control) return "";
    const box = element("input", { type: "checkbox", checked: pins().includes(row.slug), ariaLabel: `Pin ${row.name}` });
    box.dataset.slug = row.slug;
    box.addEventListener("change", () => pin(row.slug, box.checked));
    return box;
  }

  function pin(slug, on) {
    const kept = pins().filter((other) => other !== slug);
    state.pin = (on ? [...kept.slice(-1), slug] : kept).join(",");
    write();
    for (const box of document.querySelectorAll("#rows [data-slug]")) box.checked = pins().includes(box.dataset.slug);
    drawPinned();
  }

  function makeTable() {
    table?.destroy();
    const [field, dir] = (state.sort ?? "").split(":");
    const defined = columns();
    const known = defined.some((column) => column.field === field);
    table = new Tabulator("#rows", {
      data: entries(),
      columns: defined,
      layout: "fitDataTable",
      renderVertical: "basic",
      renderHorizontal: "basic",
      columnHeaderSortMulti: false,
      initialSort: known ? [{ column: field, dir: dir === "desc" ? "desc" : "asc" }] : [],
    });
    table.on("tableBuilt", () => {
      // What one reaches by the keyboard is in the rows; a grid may not hold another stop.
      document.querySelector("#rows .tabulator-tableholder").removeAttribute("tabindex");
      if (entries().every(shown)) drawRows();
      else filter();
    });
    table.on("dataSorted", (sorters) => {
      const by = sorters[0] ? `${sorters[0].field}:${sorters[0].dir}` : "";
      if (by && by !== state.sort) {
        state.sort = by;
        write();
      }
    });
    chooseColumns(defined);
  }

  function chooseColumns(defined) {
    const boxes = defined.slice(1).map(({ title, field }) => {
      const box = element("input", { type: "checkbox", checked: visible(field) });
      box.dataset.column = field;
      box.addEventListener("change", () => {
        table.toggleColumn(field);
        const chosen = [...$("columns").querySelectorAll("input:checked")].map((x) => x.dataset.column);
        state.columns = chosen.join("|");
        write();
      });
      return element("label", {}, box, ` ${title}`);
    });
    $("columns").replaceChildren(element("summary", { textContent: "Columns" }), element("div", { className: "boxes" }, ...boxes));
  }

  function filter() {
    table.setFilter((row) => shown(row));
    drawRows();
  }

  function makeFilters() {
    const rows = board().rows.filter((row) => row.places[state.family]);
    const changed = (key) => (event) => {
      state[key] = event.target.value;
      write();
      filter();
    };
    const field = (label, input) => element("label", {}, element("span", { textContent: label }), input);
    const selects = FILTERS.map(([key, label, answer]) => {
      const select = element("select", { name: key }, element("option", { value: "", textContent: "any" }));
      const answers = [...new Set([...rows.map(answer), ...(state[key] ? [state[key]] : [])])].sort();
      select.append(...answers.map((x) => element("option", { value: x, textContent: x.length > 40 ? `${x.slice(0, 39)}…` : x })));
      select.value = state[key] ?? "";
      select.addEventListener("change", changed(key));
      return field(label, select);
    });
    const name = element("input", { type: "search", name: "name", value: state.name ?? "" });
    const most = element("input", { type: "number", name: "most", min: 0, value: state.most ?? "" });
    name.addEventListener("input", changed("name"));
    most.addEventListener("input", changed("most"));
    const clear = element("button", { type: "button", textContent: "Clear" });
    clear.addEventListener("click", () => {
      for (const key of ["name", "most", ...FILTERS.map(([key]) => key)]) delete state[key];
      write();
      makeFilters();
      filter();
    });
    const form = document.querySelector("#app .filters");
    form.replaceChildren(field("Name", name), ...selects, field("Parameters at most (million)", most), clear);
    $("filters").open ||= innerWidth > 900 || ["name", "most", ...FILTERS.map(([key]) => key)].some((key) => state[key]);
    form.onsubmit = (event) => event.preventDefault();
  }

  /* The charts. */

  function drawRows() {
    const all = entries().filter((row) => !row.control);
    const rows = all.filter(shown);
    $("count").textContent = `${rows.length} of ${all.length} rows. Ranks are those among all rows.`;
    const figures = rows.filter((row) => row.overall !== null);
    const drawn = figures.slice(0, DRAWN).map((row) => ({ ...row.places[state.family], key: row.slug, name: row.name, rank: row.rank }));
    const least = Math.min(0, ...drawn.map((row) => 100 * (row.low ?? row.mean)));
    const brackets = [...d3.group(drawn, (row) => row.rank).values()]
      .filter((group) => group.length > 1)
      .map((group) => ({ x: least - 1, from: group[0].key, to: group.at(-1).key }));
    charts.show($("intervals"), (width) =>
      drawn.length ? charts.dots(drawn, { width, label: "overall", brackets, ruleLabel: "chance" }) : element("p", { textContent: "No row is left." }));
    const more = figures.length - drawn.length;
    if (more > 0) $("count").textContent += ` The chart has the first ${DRAWN}.`;
    drawParameters(figures);
  }

  function drawParameters(rows) {
    const sized = rows.filter((row) => row.parameters > 0).map((row) => ({ ...row.places[state.family], name: row.name, parameters: row.parameters }));
    $("size").hidden = !sized.length;
    $("sizes").textContent = `Overall by parameters, for the ${sized.length} of ${rows.length} rows that say theirs.`;
    const points = sized.map((row) => ({ ...row, mean: 100 * row.mean, low: 100 * (row.low ?? row.mean), high: 100 * (row.high ?? row.mean) }));
    charts.show($("parameters"), (width) => {
      return charts.plot({
        width,
        height: 320,
        marginBottom: 44,
        ariaLabel: `Overall by parameters: ${sized.map((row) => `${row.name} ${millions(row)} ${interval(row)}`).join("; ")}`,
        x: { type: "log", label: "parameters", labelAnchor: "center", tickFormat: "~s", grid: true, ...charts.TICKS },
        y: { label: "overall", grid: true, ...charts.TICKS },
        marks: [
          Plot.ruleY([0], { stroke: "var(--quiet)", strokeDasharray: "3 3" }),
          Plot.ruleX(points, { x: "parameters", y1: "low", y2: "high", stroke: charts.PALETTE[0], strokeWidth: 2 }),
          Plot.dot(points, { x: "parameters", y: "mean", r: 4, fill: charts.PALETTE[0], title: (row) => `${row.name}\n${millions(row)}: ${percent(row.mean / 100)}`, tip: true }),
        ],
      });
    });
  }

  /* Pinned rows. */

  /** The paired difference of two rows, as `compare` prints it: of a task or of the family. */
  function difference(what, a, b) {
    const { of, half } = board().pairs[what] ?? { of: [] };
    const places = [a, b].map((row) => of.indexOf(board().rows.indexOf(row)));
    if (places.includes(-1) || a === b) return null;
    const [i, j] = [...places].sort((x, y) => x - y);
    const wide = half[(i * (2 * of.length - i - 1)) / 2 + j - i - 1] / 1e4;
    const mean = figure(what, a).mean - figure(what, b).mean;
    const [low, high] = [mean - wide, mean + wide];
    const apart = !(low <= 0 && 0 <= high);
    const digits = [1, 2].find((x) => !apart || [low, high].every((end) => Number(percent(end, x)) !== 0)) ?? 3;
    return { mean, low, high, apart, text: interval({ mean, low, high }, digits) };
  }
  const figure = (what, row) => (what === state.family ? row.places[what] : row.tasks[what]);

  function drawPinned() {
    const rows = pins().map(rowOf);
    $("pinned").hidden = !rows.length;
    if (!rows.length) return;
    $("pins").replaceChildren(...rows.map((row, place) => {
      const remove = element("button", { type: "button", textContent: "Unpin", ariaLabel: `Unpin ${row.name}` });
      remove.addEventListener("click", () => pin(row.slug, false));
      const letter = element("b", { className: `pin-${place + 1}`, textContent: "AB"[place] });
      const link = element("a", { href: `rows/${encodeURIComponent(row.slug)}.html`, textContent: row.name });
      return element("li", {}, letter, " ", link, " ", remove);
    }));
    $("difference").hidden = rows.length < 2;
    if (rows.length === 2) drawDifferences(...rows);
    const choices = tasks().filter((task) => rows.some((row) => row.tasks[task]));
    if (!choices.includes(state.task)) state.task = choices[0];
    $("task").replaceChildren(...choices.map((task) => element("option", { value: task, textContent: task })));
    $("task").value = state.task;
    drawTask(rows.map((row, place) => ({ row, name: names()[place], figures: row.tasks[state.task] })).filter((x) => x.figures));
  }

  function drawDifferences(a, b) {
    const lines = [state.family, ...tasks()].flatMap((what) => {
      const found = difference(what, a, b);
      return found ? [{ what: what === state.family ? "overall" : what, found, a: figure(what, a), b: figure(what, b) }] : [];
    });
    const cells = (tag, texts) => element("tr", {}, ...texts.map((textContent, place) => element(tag, { textContent, className: place ? "" : "text" })));
    $("differences").replaceChildren(lines.length
      ? element("table", {},
          element("thead", {}, cells("th", ["1-shot", "A", "B", "A − B", "told apart"])),
          element("tbody", {}, ...lines.map((x) => cells("td", [x.what, percent(x.a.mean), percent(x.b.mean), x.found.text, x.found.apart ? "yes" : "no"]))))
      : element("p", { textContent: "These two have no task in common here." }));
    charts.show($("difference-chart"), (width) =>
      lines.length ? charts.dots(lines.map((x) => ({ name: x.what, ...x.found, title: `${x.what}\n${x.found.text}` })), { width, label: "A − B", ruleLabel: "equal" }) : element("span"));
  }

  function drawTask(pinned) {
    const classes = board().classes[state.task];
    const recall = pinned.flatMap(({ name, figures }) =>
      classes.map((of, place) => ({ name: of, group: name, mean: figures.recall[place][0], low: figures.recall[place][1], high: figures.recall[place][2] })));
    charts.show($("recall"), (width) => charts.dots(recall, { width, label: "recall", rule: 1 / classes.length }));
    charts.show($("spread"), (width) => drawSpread(pinned, width));
    $("confusion").replaceChildren(...pinned.map(({ name, figures }) => {
      const place = element("div");
      const part = element("div", {}, element("p", { className: "quiet", textContent: name }), place);
      requestAnimationFrame(() => charts.show(place, (width) => charts.heat(classes, figures.confusion, { width })));
      return part;
    }));
  }

  function drawSpread(pinned, width) {
    const of = pinned.map(({ name, figures }, place) => ({
      name,
      colour: charts.PALETTE[place],
      text: `${name}\nmean ${percent(figures.mean)}, standard deviation ${percent(figures.std)}\ndraw 0 ${percent(figures.draw_0)}, ${percent(figures.min)} to ${percent(figures.max)}`,
      ...Object.fromEntries(["mean", "draw_0", "min", "max"].map((key) => [key, 100 * figures[key]])),
      from: 100 * (figures.mean - figures.std),
      to: 100 * (figures.mean + figures.std),
      runs: figures.runs.map((run) => 100 * run),
    }));
    const seeds = of.flatMap((row) => row.runs.map((run) => ({ name: row.name, run })));
    const left = Math.min(0.42 * width, 20 + 7 * Math.max(...of.map((row) => row.name.length)));
    return charts.plot({
      width,
      height: 60 + 44 * of.length,
      marginLeft: left,
      marginRight: 24,
      marginBottom: 44,
      ariaLabel: `Spread over draws: ${of.map((row) => row.text.replaceAll("\n", ", ")).join("; ")}`,
      x: { label: "1-shot balanced accuracy", labelAnchor: "center", grid: true, ...charts.TICKS },
      y: { label: null, domain: of.map((row) => row.name), tickFormat: (x) => charts.cut(x, left / 6.6), ...charts.TICKS },
      marks: [
        Plot.ruleY(of, { x1: "min", x2: "max", y: "name", stroke: "colour", strokeWidth: 1 }),
        Plot.ruleY(of, { x1: "from", x2: "to", y: "name", stroke: "colour", strokeWidth: 5, strokeOpacity: 0.6 }),
        Plot.dot(of, { x: "mean", y: "name", r: 5, fill: "colour", title: "text", tip: true }),
        Plot.dot(of, { x: "draw_0", y: "name", r: 6, symbol: "times", stroke: "var(--ink)", strokeWidth: 2 }),
        Plot.dot(seeds, { x: "run", y: "name", dy: 12, r: 3, stroke: "var(--ink)" }),
      ],
    });
  }

  /* The page. */

  function draw() {
    for (const section of document.querySelectorAll(".board")) section.hidden = section.id !== state.board;
    for (const section of document.querySelectorAll(".family"))
      section.hidden = section.dataset.board !== state.board || section.dataset.family !== state.family;
    for (const link of document.querySelectorAll("nav [data-board]")) {
      const { board: of, family } = link.dataset;
      const here = of === state.board && (family === undefined || family === state.family);
      if (here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
      link.href = `#${new URLSearchParams({ board: of, ...(family && { family }), ...(family && state.pin && { pin: state.pin }) })}`;
    }
    const section = document.querySelector(".family:not([hidden])");
    $("app").hidden = !section;
    if (!section) return;
    const heading = section.querySelector("h3");
    for (const tag of document.querySelectorAll("#app .tag")) {
      tag.textContent = heading.querySelector(".tag")?.textContent ?? "";
      tag.hidden = !tag.textContent;
    }
    heading.after($("app"));
    makeFilters();
    makeTable();
    drawPinned();
  }

  $("task").addEventListener("change", (event) => {
    state.task = event.target.value;
    write();
    drawPinned();
  });
  addEventListener("hashchange", () => {
    read();
    draw();
  });
  document.documentElement.classList.add("scripted");
  read();
  draw();
})();
