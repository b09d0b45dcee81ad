/* What moves on a pay page: the stream tells the stage and the numbers. Another stage is another page. Without this script the
   page loads itself again every few seconds. */
"use strict";

const live = document.querySelector("[data-live]");
if (live && window.EventSource) {
  const source = new EventSource(live.dataset.live);
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
  source.addEventListener("error", () => { line.textContent = line.dataset.lost; });
  window.addEventListener("pagehide", () => source.close());
}
