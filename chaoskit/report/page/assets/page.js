// Everything a reader does with the page: theme, zoom buttons, keys, touch and print.
"use strict";

(() => {
  const root = document.documentElement;
  root.classList.add("scripted");

  // A chart is made when it comes near the view, because a report may have hundreds.
  const near = new IntersectionObserver(
    (entries) => entries.filter((each) => each.isIntersecting).forEach((each) => { Charts.ensure(each.target); near.unobserve(each.target); }),
    { rootMargin: "600px" },
  );
  const sized = new ResizeObserver((entries) => entries.forEach((each) => Charts.resize(each.target)));
  const plots = document.querySelectorAll(".plot");
  plots.forEach((plot) => { near.observe(plot); sized.observe(plot); });

  // A browser may forbid storage for a file. Then the choice lasts as long as the page.
  const remembered = { get: () => { try { return localStorage.getItem("chaoskit-theme") || ""; } catch { return ""; } },
    set: (value) => { try { localStorage.setItem("chaoskit-theme", value); } catch { /* see above */ } } };
  const choice = document.getElementById("theme");
  function theme(value) {
    if (value) root.dataset.theme = value;
    else delete root.dataset.theme;
    Charts.redraw();
  }
  choice.value = remembered.get();
  if (choice.value) theme(choice.value);
  choice.addEventListener("change", () => { remembered.set(choice.value); theme(choice.value); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => Charts.redraw());

  const experimentOf = (element) => Number(element.closest("[data-experiment]").dataset.experiment);

  const stretches = {
    all: () => null,
    fault: (whole) => [whole.shades[0].from - 1, whole.shades[0].to + 1],
    recovery: (whole) => [(whole.marks.find((each) => each.name === "lift") || { at: whole.begin }).at - 1, whole.end],
    span: (whole, button) => [Number(button.dataset.from), Number(button.dataset.to)],
  };
  document.querySelectorAll("[data-zoom]").forEach((button) =>
    button.addEventListener("click", () => {
      const number = experimentOf(button);
      Charts.zoom(number, stretches[button.dataset.zoom](Charts.whole(number), button));
    }),
  );

  // Keys on a chart: the arrows read it bin by bin, + and - zoom, 0 shows everything.
  function step(plot, key, far) {
    const chart = Charts.of(plot), number = experimentOf(plot), view = Charts.view(number), width = chart.level.width;
    const at = plot.dataset.at === undefined ? view.min - width / 2 : Number(plot.dataset.at);
    const first = view.min + width / 2, last = view.max - width / 2, jump = width * (far ? 10 : 1);
    if (key === "Home") return first;
    if (key === "End") return last;
    return Math.max(first, Math.min(last, at + (key === "ArrowRight" ? jump : -jump)));
  }
  function zoomBy(number, factor, plot) {
    const view = Charts.view(number), half = ((view.max - view.min) * factor) / 2;
    const middle = plot.dataset.at === undefined ? (view.min + view.max) / 2 : Number(plot.dataset.at);
    Charts.zoom(number, [middle - half, middle + half]);
  }
  plots.forEach((plot) => {
    plot.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      Charts.ensure(plot);
      const number = experimentOf(plot);
      if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) {
        const at = step(plot, event.key, event.shiftKey);
        plot.dataset.at = at;
        document.getElementById("spoken").textContent = Charts.point(number, at, plot);
      } else if (event.key === "+") zoomBy(number, 0.5, plot);
      else if (event.key === "-") zoomBy(number, 2, plot);
      else if (event.key === "0") Charts.zoom(number, null);
      else if (event.key === "Escape") { delete plot.dataset.at; Charts.point(number, null); }
      else return;
      event.preventDefault();
    });
    const touched = (event) => {
      if (event.pointerType !== "touch" || !Charts.of(plot)) return;
      const { u } = Charts.of(plot), left = event.clientX - u.over.getBoundingClientRect().left;
      Charts.point(experimentOf(plot), u.posToVal(left, "x"));
    };
    plot.addEventListener("pointerdown", touched);
    plot.addEventListener("pointermove", touched);
  });

  // On paper every detail is open, colours are light, and charts are half as wide.
  let before = null;
  addEventListener("beforeprint", () => {
    const closed = [...document.querySelectorAll("details:not([open])")];
    before = { closed, theme: root.dataset.theme };
    closed.forEach((each) => { each.open = true; });
    root.dataset.theme = "light";
    Charts.ensureAll();
    Charts.redraw(360);
  });
  addEventListener("afterprint", () => {
    if (!before) return;
    before.closed.forEach((each) => { each.open = false; });
    if (before.theme) root.dataset.theme = before.theme;
    else delete root.dataset.theme;
    before = null;
    Charts.redraw();
  });
})();
