/* Refreshes a story while it is still running. The page works without it, by reloading.

   It fetches the page again and merges it. An answer without data-follow is the last one. */
"use strict";

const live = document.getElementById("story-live");
const late = document.getElementById("story-late");

const look = async () => {
  if (!document.hidden) {
    try {
      const response = await fetch(location.href, { headers: { Accept: "text/html" } });
      const text = response.ok ? await response.text() : "";
      const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("story-live");
      if (fresh) merge(live, fresh);
      late.hidden = Boolean(fresh);
    } catch {
      late.hidden = false;
    }
  }
  follow();
};

const follow = () => {
  if (live && live.dataset.follow) setTimeout(look, Number(live.dataset.follow) * 1000);
};

follow();
