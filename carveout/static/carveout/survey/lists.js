// Sorts lists by a column, and opens them beside the matrix; a URL fragment opens one in place.

function sortBy(table, column, descending) {
  const body = table.tBodies[0];
  const text = (row) => row.cells[column].textContent;
  const rows = [...body.rows].sort((a, b) => text(a).localeCompare(text(b), "en", { numeric: true }));
  body.append(...(descending ? rows.reverse() : rows));
}

function sortOnClick(click) {
  const head = click.target.closest(".list thead button")?.parentElement;
  if (!head) return;
  const table = head.closest("table");
  const descending = head.ariaSort === "ascending";
  for (const other of table.tHead.rows[0].cells) other.ariaSort = null;
  head.ariaSort = descending ? "descending" : "ascending";
  sortBy(table, head.cellIndex, descending);
}

function makeSortable(table) {
  for (const head of table.tHead.rows[0].cells) {
    head.replaceChildren(made("button", { type: "button", textContent: head.textContent }));
  }
}

function openTarget() {
  const target = document.querySelector(":target");
  if (!(target instanceof HTMLDetailsElement)) return;
  target.open = true;
  target.scrollIntoView();
  target.querySelector("summary").focus({ preventScroll: true });
}

function showListCounts() {
  for (const list of lists) {
    const shown = list.querySelectorAll("tbody tr:not([hidden])").length;
    list.querySelector(".count").textContent = shown;
    list.hidden = !shown;
  }
}

const sheet = document.getElementById("sheet");
let opened = null;

// `opener` is a selector of the element that gets the focus back; it may have been redrawn since.
function openSheet(source, target, opener) {
  opened = { source, target, opener: opener ?? opened?.opener };
  fillSheet();
  showSheet(true);
  sheet.querySelector(".scroll").scrollTop = 0;
  sheet.focus({ preventScroll: true });
}

// The page makes room for the sheet, so what was clicked stays in view, at the same height.
function showSheet(isShown) {
  const home = document.querySelector(opened.opener);
  keepInPlace(home ?? cells, () => { sheet.hidden = !isShown; });
  home?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function keepInPlace(home, change) {
  const before = home.getBoundingClientRect().top;
  change();
  scrollBy(0, home.getBoundingClientRect().top - before);
}

function markOpened() {
  const pair = opened && `${opened.source.number} ${opened.target.number}`;
  for (const link of document.querySelectorAll("[data-pair]")) link.toggleAttribute("aria-current", link.dataset.pair === pair);
}

function fillSheet() {
  markOpened();
  if (!opened) return;
  const { source, target } = opened;
  const found = of(source, target);
  document.getElementById("sheet-title").textContent = `${source.name} → ${target.name}: ${kindsOf(found) || "none"}`;
  const back = document.getElementById("back");
  const others = of(target, source).length;
  back.hidden = !others;
  back.textContent = `${others} the other way`;
  if (!found.length) return sheet.querySelector(".scroll").replaceChildren();
  const table = found[0].list.querySelector(".list").cloneNode(true);
  table.tBodies[0].replaceChildren(...found.map(({ row }) => row.cloneNode(true)));
  for (const head of table.tHead.rows[0].cells) head.ariaSort = null;
  sheet.querySelector(".scroll").replaceChildren(table);
}

function closeSheet() {
  if (sheet.hidden) return;
  showSheet(false);
  document.querySelector(opened.opener)?.focus();
  opened = null;
  markOpened();
}

// Copies one coupling per line, for a spreadsheet or an issue.
async function copySheet() {
  const rows = [...sheet.querySelectorAll("tbody tr")];
  const text = rows.map((row) => [...row.cells].map((cell) => cell.textContent).join("\t")).join("\n");
  const button = document.getElementById("copy");
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(sheet.querySelector("tbody"));
    button.textContent = "Selected: copy it now";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}
