/* Brings a part of a page up to date: only what differs is changed, so what the reader opened or
   ticked stays so, and the focus and the scroll position stay.

   Elements with the same data-key are the same; without one, those of the same kind in order. */
"use strict";

const keyOf = (node) => (node.dataset && node.dataset.key) || node.nodeName;

const attributes = (old, fresh) => {
  const names = new Set([...old.getAttributeNames(), ...fresh.getAttributeNames()]);
  names.delete("open"); // the reader's
  for (const name of names) {
    if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    else if (old.getAttribute(name) !== fresh.getAttribute(name)) old.setAttribute(name, fresh.getAttribute(name));
  }
};

/* Makes `old` equal to `fresh`. */
const mergeNode = (old, fresh) => {
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
    mergeNode(same, child);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
};

const merge = (old, fresh) => {
  const focused = document.activeElement;
  mergeNode(old, fresh);
  if (focused !== document.activeElement) focused.focus({ preventScroll: true }); // it was moved
};
