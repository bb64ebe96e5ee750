// A number in the matrix opens its list; lists are filtered, and sorted by a column.
"use strict";

function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus({ preventScroll: true });
  }
}

function applyFilter(form) {
  const chosen = new FormData(form);
  const kinds = new Set(chosen.getAll("kind"));
  const words = chosen.get("words").toLowerCase();
  const tests = chosen.has("tests");
  for (const pair of document.querySelectorAll(".pair")) {
    let shown = 0;
    for (const row of pair.querySelectorAll("tbody tr")) {
      const fits = (!row.dataset.kind || kinds.has(row.dataset.kind) || pair.id.startsWith("a-"))
        && (tests || !("tests" in row.dataset))
        && (!words || row.textContent.toLowerCase().includes(words));
      row.hidden = !fits;
      shown += fits;
    }
    pair.querySelector(".count").textContent = shown;
    pair.hidden = !shown;
  }
}

function sortBy(table, column, descending) {
  const body = table.tBodies[0];
  const text = (row) => row.cells[column].textContent;
  const rows = [...body.rows].sort((a, b) => text(a).localeCompare(text(b), "en", { numeric: true }));
  body.append(...(descending ? rows.reverse() : rows));
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => {
      const descending = head.ariaSort === "ascending";
      for (const other of table.tHead.rows[0].cells) other.ariaSort = null;
      head.ariaSort = descending ? "descending" : "ascending";
      sortBy(table, column, descending);
    });
    head.replaceChildren(button);
  });
}

const form = document.getElementById("filter");
if (form) {
  form.addEventListener("input", () => applyFilter(form));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("open").addEventListener("click", () => {
    for (const pair of document.querySelectorAll(".pair:not([hidden])")) pair.open = true;
  });
}
document.querySelectorAll(".list").forEach(makeSortable);
window.addEventListener("hashchange", openTarget);
openTarget();
