/* Live parts of the console: an element with data-live names a stream; each "fragment" event holds its new HTML, and only
   what differs is patched, so that focus, selection and open branches stay as they are. No library, no eval.
   The page waits for this script before it shows anything (no defer): a button that asks first must not be there before the
   question is. */
"use strict";

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE && node.id ? node.id : null;
}

function patchAttributes(from, to) {
  for (const { name, value } of Array.from(to.attributes)) {
    if (from.tagName === "DETAILS" && name === "open") continue;
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of Array.from(from.attributes)) {
    if (from.tagName === "DETAILS" && name === "open") continue;
    if (!to.hasAttribute(name)) from.removeAttribute(name);
  }
}

function patch(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || keyOf(from) !== keyOf(to)) {
    from.replaceWith(to);
    return;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return;
  }
  patchAttributes(from, to);
  patchChildren(from, to);
}

function patchChildren(from, to) {
  const keyed = new Map();
  for (const child of from.childNodes) {
    const key = keyOf(child);
    if (key) keyed.set(key, child);
  }
  let old = from.firstChild;
  for (const wanted of Array.from(to.childNodes)) {
    const known = keyOf(wanted) ? keyed.get(keyOf(wanted)) : null;
    if (known && known !== old) from.insertBefore(known, old);
    const current = known || old;
    if (!current || (keyOf(current) !== keyOf(wanted))) {
      from.insertBefore(wanted, old);
      continue;
    }
    const next = current.nextSibling;
    patch(current, wanted);
    old = next;
  }
  while (old) {
    const next = old.nextSibling;
    old.remove();
    old = next;
  }
}

function show(state, word) {
  if (!state) return;
  state.textContent = state.dataset[word + "Word"] || word;
  state.dataset.state = word;
}

/* What moves in the order of a list takes the focus with it: browsers drop the focus of an element that is moved. */
function patchKeepingFocus(element, html) {
  const focused = document.activeElement;
  patchChildren(element, document.adoptNode(new DOMParser().parseFromString(html, "text/html").body));
  if (focused !== document.activeElement && focused && focused.isConnected) focused.focus({ preventScroll: true });
}

/* One stream into one element; returns what ends it. */
function follow(element, url) {
  const state = document.querySelector("[data-live-state]");
  const source = new EventSource(url);
  source.addEventListener("open", () => show(state, "live"));
  source.addEventListener("error", () => show(state, source.readyState === EventSource.CLOSED ? "stopped" : "reconnecting"));
  source.addEventListener("over", () => { source.close(); show(state, "over"); });
  source.addEventListener("fragment", (event) => {
    if (window.getSelection().type === "Range") return; /* somebody is copying */
    patchKeepingFocus(element, JSON.parse(event.data).html);
  });
  return () => source.close();
}

function begin(element) {
  let stop = follow(element, element.dataset.live);
  window.addEventListener("pagehide", () => stop());
  if (!("liveTree" in element.dataset)) return;
  /* A tree: which branches are open is part of the stream's address, and of the page's own, for reloads and links. */
  let opened = element.querySelector("[data-opened]").dataset.opened;
  const branches = () => Array.from(element.querySelectorAll("details[data-at][open]"), (branch) => branch.dataset.at).sort();
  const look = () => {
    const open = branches();
    const now = open.length ? open.join("\n") : "-";
    if (now === opened) return;
    opened = now;
    const query = new URLSearchParams(element.dataset.live.split("?")[1] || "");
    query.delete("open");
    for (const address of now.split("\n")) query.append("open", address);
    stop();
    stop = follow(element, element.dataset.live.split("?")[0] + "?" + query);
    window.history.replaceState(null, "", "?" + query);
  };
  element.addEventListener("toggle", look, true);
  if (branches().some((address) => !opened.split("\n").includes(address))) look(); /* opened while the page still came */
}

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  const search = document.querySelector("[data-search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

document.addEventListener("DOMContentLoaded", () => {
  for (const element of document.querySelectorAll("[data-live]")) begin(element);
});
