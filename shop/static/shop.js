// A part of the page that another context serves may be away. The page says so in one quiet
// sentence; a part that was shown before, and is only being polled, stays as it is.
"use strict";

function shown(event) {
  for (const part of [event.detail.target, event.detail.elt]) part.dataset.shown = "yes";
}

function quiet(event) {
  const part = event.detail.target ?? event.detail.elt;
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
