// Draws the graph: hides folded, filtered and weak arrows, and highlights those of a chosen unit.

const picture = document.getElementById("picture");
const view = document.getElementById("view");
const summary = document.getElementById("summary");
const ARROWS_AT_FIRST = 60;
const [THIN, THICK, MANY] = [1.2, 5, 30];
const edges = picture ? [...picture.querySelectorAll("#edges a")].map(edgeOf) : [];
const edgeBetween = new Map(edges.map((edge) => [`${edge.source.number} ${edge.target.number}`, edge]));
let chosen = null;
let pointed = null;
let isLeastGiven = false;

function edgeOf(link) {
  const [source, target] = link.dataset.pair.split(" ").map((number) => unitOf.get(Number(number)));
  const way = link.firstElementChild;
  const grip = way.cloneNode();
  grip.setAttribute("class", "grip");
  way.setAttribute("class", "way");
  way.setAttribute("marker-end", "url(#tip)");
  const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
  link.prepend(title, grip);
  return { link, way, grip, title, source, target, whole: way.getAttribute("d") };
}

// The second half of a cubic curve, by de Casteljau's algorithm.
function secondHalf(path) {
  const numbers = path.match(/-?[\d.]+/g).map(Number);
  const [start, first, second, end] = [0, 2, 4, 6].map((place) => numbers.slice(place, place + 2));
  const middle = (one, other) => [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];
  const [inner, late] = [middle(first, second), middle(second, end)];
  const near = middle(inner, late);
  return `M${middle(middle(middle(start, first), inner), near)}C${near} ${late} ${end}`;
}

// Two that need each other share one arrow with two heads: each edge draws its own half.
function drawWay({ way, grip, whole, source, target }) {
  const other = edgeBetween.get(`${target.number} ${source.number}`);
  const path = other && isDrawn(other) ? secondHalf(whole) : whole;
  for (const each of [way, grip]) each.setAttribute("d", path);
}

function drawGraph() {
  const shown = new Set(visible());
  const cycles = cyclesOf([...shown]);
  const seen = edges.filter(({ source, target }) => shown.has(source) && shown.has(target) && of(source, target).length);
  if (chosen && !shown.has(chosen)) chosen = null;
  const counts = seen.map((edge) => of(edge.source, edge.target).length).sort((a, b) => b - a);
  showLeast(counts);
  const most = Math.max(MANY, counts[0] ?? 0);
  const kept = new Set(seen);
  for (const edge of edges) {
    const { link, way, title, source, target } = edge;
    edge.isSeen = kept.has(edge);
    if (!edge.isSeen) continue;
    const found = of(source, target);
    edge.count = found.length;
    way.style.strokeWidth = THIN + (THICK - THIN) * Math.sqrt(found.length / most);
    title.textContent = `${source.name} needs ${target.name}: ${kindsOf(found)}`;
    link.setAttribute("href", `#${found[0].list.id}`);
    // In each cycle at least one arrow points back in the order of the matrix.
    link.classList.toggle("back", source.number > target.number && cycles.has(source) && cycles.get(source) === cycles.get(target));
  }
  for (const unit of unitOf.values()) {
    const isOpen = unfolded.has(unit);
    unit.node.classList.toggle("off", !shown.has(unit) && !isOpen);
    unit.node.classList.toggle("open", isOpen);
    if (!isFoldable(unit)) continue;
    unit.node.setAttribute("aria-expanded", String(isOpen));
    const label = unit.node.querySelector("text");
    label.textContent = (isOpen ? "▾" : "▸") + label.textContent.slice(1);
  }
  showChoices([...shown]);
  light();
}

// Until the reader moves the slider, it shows few enough arrows to tell them apart, or none.
function showLeast(counts) {
  const { least } = view.elements;
  least.max = (counts[0] ?? 0) + 1;
  if (!isLeastGiven) least.value = (counts[ARROWS_AT_FIRST] ?? 0) + 1;
  const drawn = counts.filter((each) => each >= least.value).length;
  view.querySelector("output").textContent = `${least.value} coupling${least.value === "1" ? "" : "s"}: ${drawn} of ${counts.length}`;
}

function showChoices(shown) {
  const choices = [made("option", { value: "", textContent: "nothing" })];
  for (const unit of [...shown].sort(orders.name)) choices.push(made("option", { value: unit.number, textContent: unit.name }));
  view.elements.chosen.replaceChildren(...choices);
  view.elements.chosen.value = chosen?.number ?? "";
}

// An arrow of the chosen unit is drawn even if it is weak.
function isDrawn({ isSeen, count, source, target }) {
  const lit = pointed ?? chosen;
  return isSeen && (count >= Number(view.elements.least.value) || source === lit || target === lit);
}

function light() {
  const lit = pointed ?? chosen;
  picture.classList.toggle("lit", Boolean(lit));
  for (const edge of edges) {
    edge.link.classList.toggle("off", !isDrawn(edge));
    edge.link.classList.toggle("needs", Boolean(lit) && edge.source === lit);
    edge.link.classList.toggle("needed", Boolean(lit) && edge.target === lit);
    if (isDrawn(edge)) drawWay(edge);
  }
  for (const unit of unitOf.values()) {
    const [needs, needed] = lit ? [of(lit, unit).length, of(unit, lit).length] : [0, 0];
    const isOther = unit !== lit && !unfolded.has(unit);
    unit.node.classList.toggle("itself", unit === lit);
    unit.node.classList.toggle("needs", isOther && needs > 0);
    unit.node.classList.toggle("needed", isOther && needed > 0);
    if (!isFoldable(unit)) unit.node.setAttribute("aria-pressed", String(unit === chosen));
    const numbers = [needs && `→${needs}`, needed && `←${needed}`].filter(Boolean).join(" ");
    unit.node.querySelector(".counts").textContent = isOther ? numbers : "";
  }
}

// The chosen unit's arrows as text with links, for readers who cannot see or click the arrows.
function showSummary() {
  summary.replaceChildren();
  if (!chosen) return;
  const others = visible().filter((unit) => unit !== chosen);
  for (const [words, pair] of [["needs", (unit) => [chosen, unit]], ["is needed by", (unit) => [unit, chosen]]]) {
    const found = others.filter((unit) => of(...pair(unit)).length).sort((a, b) => of(...pair(b)).length - of(...pair(a)).length);
    const links = found.flatMap((unit, place) => {
      const [source, target] = pair(unit);
      const link = made("a", { href: `#${of(source, target)[0].list.id}`, textContent: `${unit.name} ${of(source, target).length}`, data: { pair: `${source.number} ${target.number}` } });
      return place ? [", ", link] : [link];
    });
    summary.append(made("span", {}, made("b", { textContent: chosen.name }), ` ${words} `, ...(links.length ? links : ["nothing"]), ". "));
  }
}

function choose(unit) {
  chosen = unit;
  view.elements.chosen.value = unit?.number ?? "";
  light();
  showSummary();
}
