/* Keeps a page's numbers up to date while it is visible, and filters its rows. The page works
   without it.

   The URL in data-live="<url>" is fetched every two seconds. The answer's `texts` go into the
   elements with data-live-text, `titles` are what these show on hover, `counts` become rates in
   those with data-live-rate, and `rows` show whether the page's rows are still the current ones.
   If they are not, a link in the page says so; a page without one is brought up to date. */
"use strict";

const EVERY_MS = 2000;
const RATE_OVER_MS = 10000;

for (const live of document.querySelectorAll("[data-live]")) {
  const seen = [];

  const follow = async () => {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-live]");
    if (answer.ok && fresh) merge(live, fresh);
  };

  const show = async (answer) => {
    for (const element of live.querySelectorAll("[data-live-text]")) {
      const text = answer.texts[element.dataset.liveText];
      const title = (answer.titles || {})[element.dataset.liveText];
      if (title) element.title = title;
      if (text === undefined || text === element.textContent) continue;
      element.textContent = text;
      element.classList.toggle("carveout-zero", text === "0");
    }
    const now = performance.now();
    seen.push({ at: now, counts: answer.counts || {} });
    while (seen.length > 2 && now - seen[0].at > RATE_OVER_MS) seen.shift();
    const first = seen[0];
    for (const element of live.querySelectorAll("[data-live-rate]")) {
      const key = element.dataset.liveRate;
      const moved = (answer.counts || {})[key] - first.counts[key];
      const seconds = (now - first.at) / 1000;
      if (seconds > 0 && moved >= 0) element.textContent = (moved / seconds).toFixed(1);
    }
    const stale = live.querySelector(".carveout-stale");
    const current = answer.rows.join("|") === live.dataset.rows;
    if (stale) stale.hidden = current;
    else if (!current) await follow();
  };

  const ask = async () => {
    if (!document.hidden) {
      try {
        const response = await fetch(live.dataset.live, { headers: { Accept: "application/json" } });
        if (response.ok) await show(await response.json());
        live.classList.toggle("carveout-late", !response.ok);
      } catch {
        live.classList.add("carveout-late");
      }
    }
    setTimeout(ask, EVERY_MS);
  };

  ask();

  const filter = live.querySelector(".carveout-filter");
  if (filter) {
    filter.hidden = false;
    const wanted = filter.querySelector("input");
    wanted.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();  // it would submit the form
    });
    wanted.addEventListener("input", () => {
      const text = wanted.value.trim().toLowerCase();
      for (const body of live.querySelectorAll(".carveout-table > table > tbody")) {
        const rows = [...body.querySelectorAll(":scope > tr[data-name]")];
        for (const row of rows) row.hidden = !row.dataset.name.toLowerCase().includes(text);
        body.hidden = text !== "" && rows.every((row) => row.hidden);
      }
    });
  }
}
