// Handles what the reader chooses on the page, and redraws it.

const filter = document.getElementById("filter");
const order = document.getElementById("order");

function fits(chosen) {
  const kinds = new Set(chosen.getAll("kind"));
  const words = chosen.get("words").trim().toLowerCase();
  const [tests, unsure] = [chosen.has("tests"), chosen.has("unsure")];
  return (each) => kinds.has(each.kind) && (tests || !each.inTests) && (unsure || !each.isUnsure)
    && (!words || each.text.includes(words));
}

function applyFilter() {
  const test = fits(new FormData(filter));
  const shown = couplings.filter((coupling) => {
    coupling.row.hidden = !test(coupling);
    return !coupling.row.hidden;
  });
  showListCounts();
  count(shown);
  draw();
}

function draw() {
  if (!contexts.length) return;
  drawMatrix(order.elements.order.value);
  drawGraph();
  showSummary();
  fillSheet();
}

function toggle(unit, home) {
  if (!unfolded.delete(unit)) unfolded.add(unit);
  keepInPlace(home, draw);
}

function fold(which, home) {
  for (const unit of contexts.filter(isFoldable)) which === "all" ? unfolded.delete(unit) : unfolded.add(unit);
  keepInPlace(home, draw);
}


// What gets the focus when a sheet is closed: the same number, arrow or link, even if redrawn.
function selectorOf(link) {
  const home = link.closest("#cells, #picture, #summary");
  return `#${home.id} [data-pair="${link.dataset.pair}"]`;
}

function onClick(click) {
  sortOnClick(click);
  const link = click.target.closest("[data-pair]");
  const button = click.target.closest("[data-toggle], [data-fold]");
  const node = click.target.closest(".node");
  if (link && !click.ctrlKey && !click.metaKey) {
    click.preventDefault();
    openSheet(...link.dataset.pair.split(" ").map((number) => unitOf.get(Number(number))), selectorOf(link));
  }
  if (button?.dataset.toggle) toggle(unitOf.get(Number(button.dataset.toggle)), cells);
  if (button?.dataset.fold) fold(button.dataset.fold, button);
  if (node) onNode(unitOf.get(Number(node.dataset.unit)));
}

function onNode(unit) {
  if (isFoldable(unit)) toggle(unit, unit.node);
  else choose(chosen === unit ? null : unit);
}

function onKey(key) {
  const node = document.activeElement?.closest?.(".node");
  if (node && (key.key === "Enter" || key.key === " ")) {
    key.preventDefault();
    onNode(unitOf.get(Number(node.dataset.unit)));
  }
  if (key.key !== "Escape") return;
  if (!sheet.hidden) closeSheet();
  else if (contexts.length) choose(null);
}

function point(event) {
  const node = event.type.endsWith("in") || event.type === "mouseover" ? event.target.closest(".node") : null;
  const unit = node && unitOf.get(Number(node.dataset.unit));
  const next = unit && !unfolded.has(unit) ? unit : null;
  if (next === pointed) return;
  pointed = next;
  light();
}

function showCounts() {
  for (const box of filter.querySelectorAll("input[type=checkbox]")) {
    const { name, value } = box;
    const test = { kind: (each) => each.kind === value, tests: (each) => each.inTests, unsure: (each) => each.isUnsure }[name];
    const number = couplings.filter(test).length;
    box.parentElement.querySelector("small").textContent = number;
    box.parentElement.hidden = !number;
  }
}

document.documentElement.classList.add("with-script");
document.querySelectorAll(".list").forEach(makeSortable);
filter.hidden = false;
filter.addEventListener("input", applyFilter);
showCounts();
if (contexts.length) {
  document.getElementById("drawn").hidden = order.hidden = false;
  order.addEventListener("input", draw);
  view.elements.least.addEventListener("input", () => { isLeastGiven = true; drawGraph(); });
  view.elements.chosen.addEventListener("input", () => choose(unitOf.get(Number(view.elements.chosen.value || -1)) ?? null));
  for (const type of ["mouseover", "mouseleave", "focusin", "focusout"]) picture.addEventListener(type, point);
  for (const type of ["mouseover", "mouseleave"]) cells.addEventListener(type, pointOut);
  document.getElementById("open").addEventListener("click", () => {
    for (const list of lists) list.open = !list.hidden;
  });
  document.getElementById("back").addEventListener("click", () => openSheet(opened.target, opened.source));
  document.getElementById("copy").addEventListener("click", copySheet);
  document.getElementById("close").addEventListener("click", closeSheet);
}
for (const form of document.forms) form.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("click", onClick);
document.addEventListener("keydown", onKey);
window.addEventListener("hashchange", openTarget);
let closed = [];
window.addEventListener("beforeprint", () => {  // paper can't be unfolded
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const each of closed) each.open = true;
});
window.addEventListener("afterprint", () => {
  for (const each of closed) each.open = false;
});
applyFilter();
openTarget();
