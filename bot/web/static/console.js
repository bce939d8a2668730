// The console works without this file. It adds: live counts, who else is here, the end of a trial, and arrow keys in the queue.
"use strict";

(() => {
  const COUNTS_MS = 15000;
  const PRESENCE_MS = 20000;
  const TRIAL_MS = 2000;

  async function ask(url) {
    try {
      const response = await fetch(url, { headers: { accept: "application/json" }, cache: "no-store" });
      return response.ok ? await response.json() : null;
    } catch {
      return null; // no net for a moment: the next turn tries again
    }
  }

  function every(milliseconds, work) {
    return setInterval(() => { if (!document.hidden) work(); }, milliseconds);
  }

  async function count() {
    const counts = await ask("/console/counts");
    if (counts === null) return;
    for (const place of document.querySelectorAll("[data-count]")) {
      const shown = String(counts[place.dataset.count] ?? 0);
      if (place.textContent !== shown) place.textContent = shown;
    }
  }

  async function present(place) {
    const told = await ask(place.dataset.presence);
    if (told === null) return;
    const shown = told.others.length ? `${place.dataset.label} ${told.others.join(", ")}` : "";
    if (place.textContent !== shown) place.textContent = shown;
  }

  // a change of the knowledge that is being tried: show the outcome when there is one
  async function settled(place, timer) {
    const told = await ask(place.dataset.change);
    if (told === null || told.state === "trying") return;
    clearInterval(timer);
    location.assign("/console/knowledge/changes");
  }

  // arrow keys (and j, k) only while the focus is on a row of the list: no key is taken from anybody (WCAG 2.1.4)
  function move(event) {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    const links = [...event.currentTarget.querySelectorAll(".row-link")];
    const at = links.indexOf(document.activeElement);
    const next = links[at + step];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    next.focus();
  }

  if (document.querySelector("[data-signed-in]")) every(COUNTS_MS, count);
  const place = document.querySelector("[data-presence]");
  if (place) every(PRESENCE_MS, () => present(place));
  const trial = document.querySelector("[data-change]");
  if (trial) {
    const timer = every(TRIAL_MS, () => settled(trial, timer));
  }
  for (const list of document.querySelectorAll("[data-rows]")) list.addEventListener("keydown", move);
})();
