// Draws the matrix of visible units: sorted, folded and filtered.

const SHADES = 5;
const cells = document.getElementById("cells");

function drawMatrix(order) {
  const focused = cells.contains(document.activeElement) && document.activeElement.dataset.key;
  const columns = visible(order);
  const cycles = cyclesOf(columns);
  const pairs = columns.flatMap((one) => columns.filter((other) => one.context !== other.context).map((other) => of(one, other).length));
  const drawing = { columns, cycles, most: Math.max(1, ...pairs), blocks: order === "number" };
  cells.tHead.replaceChildren(...heads(columns));
  cells.tBodies[0].replaceChildren(...columns.filter((unit) => !isEvery(unit)).map((unit) => line(unit, drawing)), sums(columns));
  if (focused) cells.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
}

const isInner = (unit) => unit.number !== unit.context;
const before = (unit, columns) => columns[columns.indexOf(unit) - 1];
const startsRun = (unit, columns) => before(unit, columns)?.context !== unit.context;
// Lines around unfolded contexts.
const isEdge = (unit, columns) => startsRun(unit, columns) && [unit, before(unit, columns)].some((each) => each && isInner(each));

// Two rows, so that an unfolded context is above its apps.
function heads(columns) {
  const [upper, lower] = [made("tr"), made("tr")];
  upper.append(made("td", { rowSpan: 2, colSpan: 2, className: "corner" }));
  for (const unit of columns) {
    const context = unitOf.get(unit.context);
    const edge = isEdge(unit, columns) ? "edge" : "";
    if (!isInner(unit)) upper.append(head(unit, { rowSpan: 2, scope: "col", className: `name ${edge}` }));
    else {
      if (startsRun(unit, columns)) upper.append(head(context, { colSpan: context.apps.length, scope: "colgroup", className: edge }));
      lower.append(head(unit, { scope: "col", className: `name ${edge}` }));
    }
  }
  upper.append(made("th", { rowSpan: 2, scope: "col", className: "name" }, made("span", { textContent: "needs" })));
  return [upper, lower];
}

function head(unit, properties) {
  const name = isEvery(unit) ? "every app" : unit.name;
  const inner = made("span", { textContent: name, title: name, className: unit.isDeclared ? "" : "undeclared" });
  if (!isFoldable(unit)) return made("th", properties, inner);
  const isOpen = unfolded.has(unit);
  const button = made("button", { type: "button", ariaExpanded: String(isOpen), data: { toggle: unit.number, key: `${properties.scope} ${unit.number}` } }, inner);
  inner.textContent = `${isOpen ? "▾" : "▸"} ${name}`;
  return made("th", properties, button);
}

function line(unit, drawing) {
  const { columns } = drawing;
  const row = made("tr", { className: isEdge(unit, columns) ? "edge" : "" });
  const context = unitOf.get(unit.context);
  if (isInner(unit) && startsRun(unit, columns)) {
    row.append(head(context, { rowSpan: context.apps.length, scope: "rowgroup", className: "group" }));
  }
  row.append(isInner(unit) ? head(unit, { scope: "row", className: "inner" }) : head(unit, { colSpan: 2, scope: "row" }));
  row.append(...columns.map((other) => cell(unit, other, drawing)), made("td", { className: "total", textContent: unit.needs }));
  return row;
}

function cell(source, target, { columns, cycles, most, blocks }) {
  const box = made("td");
  if (isEdge(target, columns)) box.classList.add("edge");
  if (source === target) box.classList.add("same");
  else if (blocks && cycles.has(source) && cycles.get(source) === cycles.get(target)) box.classList.add("cycle");
  const number = source === target ? 0 : of(source, target).length;
  if (!number) return box;
  const title = `${source.name} → ${target.name}: ${kindsOf(of(source, target))}`;
  box.append(made("a", { href: `#${of(source, target)[0].list.id}`, title, textContent: number, data: { pair: `${source.number} ${target.number}`, key: `${source.number} ${target.number}` } }));
  box.classList.add(source.context === target.context ? "within" : `shade${1 + Math.round((SHADES - 1) * Math.sqrt(number / most))}`);
  box.classList.toggle("mutual", of(target, source).length > 0);
  return box;
}

function sums(columns) {
  const row = made("tr", { className: "edge sums" });
  row.append(made("th", { scope: "row", colSpan: 2 }, made("span", { textContent: "needed by" })));
  row.append(...columns.map((unit) => made("td", { className: "total", textContent: unit.needed })));
  row.append(made("td", { className: "total", textContent: columns.reduce((sum, unit) => sum + unit.needed, 0) }));
  return row;
}

// Highlights the row and the column of the cell under the pointer.
function pointOut(event) {
  const box = event.target.closest?.("td");
  cells.querySelectorAll(".pointed").forEach((each) => each.classList.remove("pointed"));
  const pair = event.type !== "mouseleave" && box?.querySelector("[data-pair]")?.dataset.pair;
  if (!pair) return;
  const number = box.cellIndex - box.parentElement.cells.length;
  for (const row of cells.tBodies[0].rows) row.cells[row.cells.length + number].classList.add("pointed");
  for (const each of box.parentElement.cells) each.classList.add("pointed");
}
