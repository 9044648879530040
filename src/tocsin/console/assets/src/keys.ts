// Everything by keyboard. Single keys can be switched off (WCAG 2.1.4), and never act while one types.

import { current, keepPlace, move, rows } from "./cursor";
import { openMenu } from "./menu";

let waitsForPlace = false;

function types(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element?.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
}

/** In a list whose rows are acted on by ticks, none of which is set, the row under the cursor is meant. */
function tickCurrent(action: string): boolean {
  const waits = document.querySelector(`[data-bulk][hidden] [data-key="${action}"]`);
  if (!waits) return true;
  const box = current()?.querySelector<HTMLInputElement>("input[name=id]");
  if (!box) return false;
  box.checked = true;
  box.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

/** The button that says that it does this; that of the row under the cursor before that of the page. */
function press(action: string): boolean {
  if (!tickCurrent(action)) return false;
  const bulk = document.querySelector<HTMLElement>(`[data-bulk]:not([hidden]) [data-key="${action}"]`);
  const inRow = current()?.querySelector<HTMLElement>(`[data-key="${action}"]`);
  const button =
    bulk ??
    inRow ??
    document.querySelector<HTMLElement>(`.toast [data-key="${action}"]`) ??
    document.querySelector<HTMLElement>(`main [data-key="${action}"]`);
  if (!button) return false;
  button.click();
  // What opens something is followed into it.
  if (button.matches("details[open] > summary")) {
    button.parentElement?.querySelector<HTMLElement>("select, input:not([type=hidden]), button")?.focus();
  }
  return true;
}

function choose(): void {
  const box = (current() ?? rows()[0])?.querySelector<HTMLInputElement>("input[name=id]");
  if (!box) return;
  box.checked = !box.checked;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

function act(event: KeyboardEvent): boolean {
  switch (event.key) {
    case "j":
    case "ArrowDown":
      if (event.key === "ArrowDown" && !current()) return false;
      move(1);
      return true;
    case "k":
    case "ArrowUp":
      if (event.key === "ArrowUp" && !current()) return false;
      move(-1);
      return true;
    case "x":
      choose();
      return true;
    case "/": {
      const field = document.querySelector<HTMLInputElement>("[data-query]");
      if (field) field.focus();
      else openMenu();
      return true;
    }
    case "n": {
      const field = document.querySelector<HTMLElement>("#note");
      field?.focus();
      return !!field;
    }
    case "f": {
      const facet = document.querySelector<HTMLElement>("[data-facets] a");
      facet?.focus();
      return !!facet;
    }
    case "g":
      waitsForPlace = true;
      setTimeout(() => (waitsForPlace = false), 1_500);
      return true;
    case "?":
      document.querySelector<HTMLDialogElement>("#keys")?.showModal();
      return true;
    case ".":
      document.querySelector<HTMLElement>("[data-new-bar]:not([hidden])")?.click();
      return true;
    case "Enter": {
      // What has the focus takes the key itself.
      const link = current()?.querySelector<HTMLAnchorElement>("a");
      if (!link || document.activeElement !== document.body) return false;
      link.click();
      return true;
    }
    case " ":
      if (document.activeElement !== current()?.querySelector("a")) return false;
      choose();
      return true;
    default:
      return press(event.key);
  }
}

export function listenToKeys(): void {
  keepPlace();
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openMenu();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || types(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (document.documentElement.dataset.keys === "off") return;
    if (waitsForPlace) {
      waitsForPlace = false;
      // As the navigation says it.
      const place = document.querySelector<HTMLAnchorElement>(`.side nav a[data-go="${CSS.escape(event.key)}"]`);
      if (place) {
        event.preventDefault();
        location.assign(place.href);
      }
      return;
    }
    if (act(event)) event.preventDefault();
  });
}
