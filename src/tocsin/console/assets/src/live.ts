// The stream of changes: it says that something changed, and the page asks for itself anew.
//
// Nothing moves under the pointer: what is new waits behind "3 new" unless the reader is at the top;
// rows that left stay, greyed, for ten seconds. A hidden tab only counts. A proxy that holds the
// stream back is noticed by the missing heartbeat, and asking every ten seconds takes over.

import htmx from "htmx.org";
import { carryTicks } from "./selection";
import { isHeard, sound } from "./sound";

const BEAT_MS = 15_000;
const POLL_MS = 10_000;
const GREYED_MS = 10_000;

type State = "live" | "paused" | "reconnecting" | "polling";

const MADE_MS = 2_000;
const madeAt = Number(document.documentElement.dataset.now ?? 0);

let counting = false;
let lastHeard = Date.now();
let source: EventSource | null = null;
let polling: number | undefined;
let stale = false;

function chip(): HTMLElement | null {
  return document.querySelector(".live");
}

function show(state: State): void {
  const element = chip();
  if (!element) return;
  element.dataset.state = state;
  if (state === "paused") element.textContent = "paused";
  if (state === "reconnecting") element.textContent = "reconnecting";
  showAge();
}

function showAge(): void {
  const element = chip();
  const state = element?.dataset.state;
  if (!element || (state !== "live" && state !== "polling")) return;
  const seconds = Math.max(0, Math.round((Date.now() - lastHeard) / 1000));
  element.textContent = `${state} · ${seconds} s`;
}

/** The parts of the page that change, asked for anew in one request and morphed into place. */
async function renew(): Promise<void> {
  const parts = [...document.querySelectorAll<HTMLElement>("[data-live]")];
  if (!parts.length) return;
  const response = await fetch(parts[0]!.dataset.live || location.href, {
    headers: { "HX-Request": "true", "X-Live": "1" },
  });
  if (response.redirected || response.status === 401) {
    location.reload();
    return;
  }
  if (!response.ok) throw new Error(String(response.status));
  const text = await response.text();
  const fresh = new DOMParser().parseFromString(text, "text/html").querySelectorAll("[data-live]");
  const putBack = carryTicks();
  // A page says of which part each is by its place among them.
  for (const [place, part] of parts.entries()) {
    if (fresh[place]) await renewPart(part, fresh[place]);
  }
  putBack();
  document.dispatchEvent(new CustomEvent("tocsin:renewed"));
}

async function renewPart(part: HTMLElement, fresh: Element): Promise<void> {
  const before = rows(part);
  const arrived = arrivals(before, fresh);
  sound(arrived.map((row) => row.dataset.severity ?? ""));
  if (arrived.length && !atTop() && part.hasAttribute("data-holds-new")) {
    hold(part, fresh, arrived);
  }
  grey(before, fresh);
  await htmx.swap({ text: fresh.outerHTML, target: part, swap: "outerMorph" } as never);
}

function rows(part: Element): Map<string, HTMLElement> {
  const found = part.querySelectorAll<HTMLElement>("[data-row]");
  return new Map([...found].map((row) => [row.dataset.row!, row]));
}

function atTop(): boolean {
  return window.scrollY < 80 && !document.querySelector("[data-row] input:checked");
}

function arrivals(before: Map<string, HTMLElement>, fresh: Element): HTMLElement[] {
  return [...rows(fresh).values()].filter((row) => !before.has(row.dataset.row!));
}

/** New rows wait: their place is kept by one bar that says how many there are. */
function hold(part: HTMLElement, fresh: Element, arrived: HTMLElement[]): void {
  const urgent = arrived.filter((row) => row.dataset.severity === "CRITICAL").length;
  for (const row of arrived) row.remove();
  const bar = fresh.querySelector<HTMLElement>("[data-new-bar]");
  if (!bar) return;
  bar.hidden = false;
  const words = urgent ? `${arrived.length} new, ${urgent} critical` : `${arrived.length} new`;
  bar.querySelector("b")!.textContent = words;
  part.dataset.waiting = String(arrived.length);
}

/** A row that left this view keeps its place for a while, so that a tap does not meet its neighbour. */
function grey(before: Map<string, HTMLElement>, fresh: Element): void {
  const placed = rows(fresh);
  const lists = [...fresh.querySelectorAll<HTMLElement>("[data-rows]")];
  for (const [id, row] of before) {
    if (placed.has(id)) continue;
    const since = Number(row.dataset.leftAt ?? Date.now());
    if (Date.now() - since > GREYED_MS) continue;
    const copy = row.cloneNode(true) as HTMLElement;
    copy.dataset.leftAt = String(since);
    copy.classList.add("left");
    copy.setAttribute("aria-disabled", "true");
    for (const input of copy.querySelectorAll("input, button")) input.setAttribute("disabled", "");
    sayThatItLeft(copy);
    // A group that is gone has no place for what was in it.
    const group = row.closest<HTMLElement>("[data-rows]")?.dataset.group;
    const list = lists.find((each) => each.dataset.group === group);
    if (!list) continue;
    const anchor = neighbour(row, list, placed);
    if (anchor) anchor.after(copy);
    else list.prepend(copy);
    placed.set(id, copy);
  }
}

/** The nearest row before this one that has a place in the list already. */
function neighbour(row: Element, list: Element, placed: Map<string, HTMLElement>): HTMLElement | null {
  for (let each = row.previousElementSibling; each; each = each.previousElementSibling) {
    const found = placed.get((each as HTMLElement).dataset.row ?? "");
    if (found && list.contains(found)) return found;
  }
  return null;
}

/** What would have happened next does not any more. */
function sayThatItLeft(row: HTMLElement): void {
  const words = row.querySelector(".chip .middle");
  if (!words) return;
  words.textContent = "left this view";
  while (words.nextElementSibling) words.nextElementSibling.remove();
  words.closest(".chip")!.className = "chip held";
  const sign = words.closest(".chip")!.querySelector("use");
  sign?.setAttribute("href", `${document.documentElement.dataset.icons}#log-out`);
}

function heard(): void {
  lastHeard = Date.now();
  if (document.hidden && !isHeard()) {
    stale = true;
    return;
  }
  void renew().catch(() => show("reconnecting"));
}

function counted(event: MessageEvent<string>): void {
  const { open, critical, changed } = JSON.parse(event.data) as { open: number; critical: number; changed: number };
  // What came between the making of the page and its stream would be missed.
  if (!counting && changed > madeAt - MADE_MS) heard();
  counting = true;
  const plain = document.title.replace(/^\(\d+\+?\) /, "");
  document.title = open ? `(${open}) ${plain}` : plain;
  for (const element of document.querySelectorAll("[data-count=open]")) {
    element.textContent = open ? String(open) : "";
  }
  drawFavicon(open, critical > 0);
}

function drawFavicon(count: number, critical: boolean): void {
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (!link) return;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.fillStyle = critical ? "#cb2a31" : count ? "#4a55d0" : "#187a48";
  pen.beginPath();
  pen.roundRect(0, 0, 32, 32, 8);
  pen.fill();
  pen.fillStyle = "#fff";
  pen.font = "600 19px system-ui";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(count > 99 ? "99" : String(count || "✓"), 16, 17);
  link.href = canvas.toDataURL("image/png");
}

function connect(): void {
  const element = chip();
  const address = element?.dataset.stream;
  if (!element || !address) return;
  source?.close();
  source = new EventSource(address);
  source.addEventListener("open", () => {
    stopPolling();
    lastHeard = Date.now();
    show("live");
  });
  source.addEventListener("changed", heard);
  // Only pages of what is configured ask for themselves anew when it is changed.
  source.addEventListener("configured", () => {
    if (document.querySelector("[data-follows=configuration]")) heard();
  });
  source.addEventListener("counts", counted as EventListener);
  source.addEventListener("beat", () => {
    lastHeard = Date.now();
    stopPolling();
    show("live");
  });
  source.addEventListener("error", () => {
    show("reconnecting");
    // Ended for good, not cut off: the session may be over, which the page's own part is told.
    if (source?.readyState === EventSource.CLOSED) void renew().catch(() => {});
    source?.close();
    source = null;
    // Not all at once, when a server comes back to many open pages.
    setTimeout(connect, 1_000 + Math.random() * 9_000);
  });
}

function poll(): void {
  if (polling !== undefined) return;
  polling = window.setInterval(() => {
    if (document.hidden) return;
    renew().then(
      () => {
        lastHeard = Date.now();
        show("polling");
      },
      () => show("reconnecting"),
    );
  }, POLL_MS);
}

function stopPolling(): void {
  window.clearInterval(polling);
  polling = undefined;
}

/** What somebody has opened, and perhaps filled in, is left as it is while the page around it renews itself. */
function keepOpen(event: Event): void {
  const details = event.target as HTMLElement;
  if (details instanceof HTMLDetailsElement && details.matches("[data-live] :is(.drop, .raw)")) {
    details.toggleAttribute("hx-morph-skip", details.open);
  }
}

export function keepLive(): void {
  document.addEventListener("toggle", keepOpen, true);
  if (!chip()) return;
  connect();
  setInterval(() => {
    showAge();
    if (Date.now() - lastHeard > 2 * BEAT_MS + 2_000) poll();
  }, 1_000);
  // What no alert changes (an attempt, a test message) is asked for by the clock.
  const every = Number(document.querySelector<HTMLElement>("[data-every]")?.dataset.every ?? 0);
  if (every) {
    setInterval(() => {
      // What is over asks no more.
      const goesOn = document.querySelector("[data-every]");
      if (goesOn && !document.hidden) void renew().catch(() => show("reconnecting"));
    }, every * 1_000);
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !stale) return;
    stale = false;
    void renew();
  });
  document.addEventListener("click", (event) => {
    if (!(event.target as Element).closest("[data-new-bar]")) return;
    event.preventDefault();
    window.scrollTo({ top: 0 });
    void renew();
  });
  document.addEventListener("tocsin:acted", () => void renew());
  // Rows that left vanish even if nothing else happens.
  setInterval(() => {
    for (const row of document.querySelectorAll<HTMLElement>("[data-left-at]")) {
      if (Date.now() - Number(row.dataset.leftAt) > GREYED_MS && !row.matches(":hover")) row.remove();
    }
  }, 1_000);
}
