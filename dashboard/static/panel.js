// Makes a page live: when the gateway says that something changed, the same page is fetched again and its parts
// marked `data-live` are swapped where they differ. Without this script a page shows the same after a reload.
(() => {
  "use strict";
  const IDLE_MS = 30000;     // ages on the page grow even when nothing comes in
  const RETRY_MS = 5000;
  const address = document.body.dataset.listen;
  if (!address || !window.EventSource) return;

  const lost = document.querySelector(".lost");
  let stream = null, isBusy = false, isWanted = false, isPlanned = false, spentMs = 0, timer = 0, retry = 0;

  function swap(old, fresh) {
    const unfolded = [...old.querySelectorAll("details")].map((part) => part.open);
    fresh.querySelectorAll("details").forEach((part, index) => { part.open = unfolded[index] ?? false; });
    const held = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    old.replaceWith(document.adoptNode(fresh));
    if (held) fresh.querySelector(`[href="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  }

  async function refresh() {
    if (isBusy) { isWanted = true; return; }
    clearTimeout(timer);
    isBusy = true;
    isWanted = isPlanned = false;
    const began = performance.now();
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.redirected) { location.reload(); return; }   // signed out meanwhile
      if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The gateway is away: the stream notices it too, says so, and comes back by itself.
    }
    spentMs = performance.now() - began;
    isBusy = false;
    if (isWanted) soon(); else timer = setTimeout(refresh, IDLE_MS);
  }

  function show(page) {
    if (document.title !== page.title) document.title = page.title;
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(old.id);
      if (fresh && fresh.outerHTML !== old.outerHTML) swap(old, fresh);
    }
  }

  // Readings change every second; a page that takes long to draw is fetched less often.
  function soon() {
    if (isPlanned) return;   // put off again and again it would never come
    isPlanned = true;
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.max(1000, 10 * spentMs));
  }

  function open() {
    clearTimeout(retry);
    stream?.close();
    stream = new EventSource(address);
    stream.onopen = () => { lost.hidden = true; refresh(); };
    stream.onerror = () => {
      lost.hidden = false;
      if (stream.readyState === EventSource.CLOSED) retry = setTimeout(() => { refresh(); open(); }, RETRY_MS);
    };
    stream.addEventListener("incidents", refresh);
    stream.addEventListener("readings", () => { if (isBusy) isWanted = true; else soon(); });
  }

  function rest() {
    isPlanned = false;
    clearTimeout(timer);
    clearTimeout(retry);
    stream?.close();
  }

  // A hidden page holds no connection: browsers allow only six to one address.
  document.addEventListener("visibilitychange", () => { if (document.hidden) rest(); else open(); });
  addEventListener("pagehide", rest);
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  if (!document.hidden) open();
})();
