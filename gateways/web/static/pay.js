/* What moves on a pay page: the stream tells the stage and the numbers. Another stage is another page. Without this script the
   page loads itself again every few seconds. */
"use strict";

const AGAIN_MS = 5000;
const live = document.querySelector("[data-live]");
let source = null;

function follow() {
  source = new EventSource(live.dataset.live);
  source.addEventListener("now", (event) => {
    const now = JSON.parse(event.data);
    if (now.stage !== live.dataset.stage) {
      source.close();
      const here = new URL(window.location.href);
      here.searchParams.delete("back");
      here.searchParams.delete("left");
      if (now.stage !== "stopping") here.searchParams.delete("stopping");
      window.location.replace(here.href);
      return;
    }
    for (const [name, text] of Object.entries(now.values)) {
      const shown = live.querySelector(`[data-value="${name}"]`);
      if (shown && shown.textContent !== text) shown.textContent = text;
    }
  });
  const line = live.querySelector("[data-line]");
  source.addEventListener("open", () => { line.textContent = ""; });
  source.addEventListener("error", () => {
    line.textContent = line.dataset.lost;
    /* A lost line the browser takes up again by itself; an answer that is no stream (a node or database that is just
       starting) ends it for good. */
    if (source.readyState === EventSource.CLOSED) window.setTimeout(follow, AGAIN_MS);
  });
}

if (live && window.EventSource) {
  follow();
  window.addEventListener("pagehide", () => source.close());
}
