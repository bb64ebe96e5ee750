// Reads the page's data: units are contexts and their apps; couplings are the rows of the lists.

const unitOf = new Map();
const leafOf = new Map();
for (const node of document.querySelectorAll(".node")) {
  const { name, app } = node.dataset;
  const [number, context] = [Number(node.dataset.unit), Number(node.dataset.context)];
  const isDeclared = !node.classList.contains("undeclared");
  const unit = { number, name, app, context, isDeclared, apps: [], node, needs: 0, needed: 0 };
  unitOf.set(number, unit);
  if (app !== undefined) leafOf.set(app, unit);
  if (number !== context) unitOf.get(context).apps.push(unit);
}
const contexts = [...unitOf.values()].filter((unit) => unit.number === unit.context);
const isFoldable = (unit) => unit.apps.length > 0;
const isEvery = (unit) => unit.name === "*";

const lists = [...document.querySelectorAll(".pair")];
const couplings = lists.flatMap((list) => [...list.querySelectorAll("tbody tr")].map((row) => ({
  row,
  list,
  kind: row.cells[0].textContent,
  inTests: "tests" in row.dataset,
  isUnsure: "unsure" in row.dataset,
  text: row.textContent.toLowerCase(),
  source: list.id.startsWith("a-") ? undefined : leafOf.get(row.dataset.source ?? list.dataset.source),
  target: list.id.startsWith("a-") ? undefined : leafOf.get(row.dataset.target ?? list.dataset.target),
})));

// The couplings that match the filter, by pair of units: apps and contexts in every combination.
let between = new Map();
const of = (source, target) => between.get(`${source.number} ${target.number}`) ?? [];

function count(shown) {
  between = new Map();
  for (const unit of unitOf.values()) unit.needs = unit.needed = 0;
  for (const coupling of shown) {
    const { source, target } = coupling;
    if (!source || !target) continue;
    for (const one of new Set([source, unitOf.get(source.context)])) {
      for (const other of new Set([target, unitOf.get(target.context)])) {
        const key = `${one.number} ${other.number}`;
        if (!between.has(key)) between.set(key, []);
        between.get(key).push(coupling);
      }
      if (one === source || source.context !== target.context) one.needs += 1;
    }
    for (const other of new Set([target, unitOf.get(target.context)])) {
      if (other === target || source.context !== target.context) other.needed += 1;
    }
  }
}

function kindsOf(some) {
  const counted = new Map();
  for (const { kind } of some) counted.set(kind, (counted.get(kind) ?? 0) + 1);
  return [...counted].sort((a, b) => b[1] - a[1]).map(([kind, number]) => `${number} ${kind}`).join(", ");
}

// Folding: which units are visible, and in which order.
const unfolded = new Set();
const orders = {
  number: (a, b) => a.number - b.number,
  name: (a, b) => a.name.localeCompare(b.name, "en", { numeric: true }),
  needs: (a, b) => b.needs - a.needs || a.number - b.number,
  needed: (a, b) => b.needed - a.needed || a.number - b.number,
};

function visible(order = "number") {
  const sorted = (units) => [...units].sort((a, b) => isEvery(a) - isEvery(b) || orders[order](a, b));
  return sorted(contexts).flatMap((unit) => (unfolded.has(unit) ? sorted(unit.apps) : [unit]));
}

// Which units need each other, directly or indirectly: by unit in a cycle, the cycle's number.
function cyclesOf(units) {
  const reach = new Map(units.map((unit) => [unit, new Set(units.filter((other) => other !== unit && of(unit, other).length))]));
  for (const via of units) {
    for (const each of reach.values()) if (each.has(via)) for (const more of reach.get(via)) each.add(more);
  }
  const found = new Map();
  for (const unit of units) {
    if (!reach.get(unit).has(unit)) continue;
    found.set(unit, Math.min(...units.filter((other) => reach.get(unit).has(other) && reach.get(other).has(unit)).map((each) => each.number)));
  }
  return found;
}

function made(name, properties = {}, ...children) {
  const element = document.createElement(name);
  const { data = {}, ...own } = properties;
  Object.assign(element, own);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}
