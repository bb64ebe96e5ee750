// A part of the page that another context serves may be away. The page says so in one quiet
// sentence; a part that was shown before, and is only being polled, stays as it is.
"use strict";

const STOP_POLLING = 286;  // https://htmx.org/docs/#polling

// A card that is polled shows that it listens, until nothing can change any more.
function listens(part, yes) {
  part.closest?.("article")?.toggleAttribute("data-listens", yes);
}

function shown(event) {
  for (const part of [event.detail.target, event.detail.elt]) part.dataset.shown = "yes";
  listens(event.detail.target, event.detail.xhr.status !== STOP_POLLING);
}

function quiet(event) {
  const part = event.detail.target ?? event.detail.elt;
  listens(part, false);
  if (part.dataset.shown) return;
  const sentence = document.createElement("small");
  sentence.className = "away";
  sentence.textContent = part.dataset.unavailable || "This part can’t be shown right now.";
  part.replaceChildren(sentence);
}

document.addEventListener("htmx:afterSwap", shown);
for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, quiet);
}
