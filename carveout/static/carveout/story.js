/* Refreshes a story while it is still running. The page works without it, by reloading.

   It fetches the page again and changes only what differs: what the reader opened stays open, and
   the scroll position stays. An answer without data-follow is the last one. */
"use strict";

const live = document.getElementById("story-live");
const late = document.getElementById("story-late");

const keyOf = (node) => (node.dataset && node.dataset.key) || node.nodeName;

const attributes = (old, fresh) => {
  const names = new Set([...old.getAttributeNames(), ...fresh.getAttributeNames()]);
  names.delete("open"); // the reader's
  for (const name of names) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    else if (old.getAttribute(name) !== fresh.getAttribute(name)) old.setAttribute(name, fresh.getAttribute(name));
  }
};

/* Makes `old` equal to `fresh`. Children with the same key are kept. */
const merge = (old, fresh) => {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  attributes(old, fresh);
  let at = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    let same = at;
    while (same && keyOf(same) !== keyOf(child)) same = same.nextSibling;
    if (!same) {
      old.insertBefore(child, at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else old.insertBefore(same, at);
    merge(same, child);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
};

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
