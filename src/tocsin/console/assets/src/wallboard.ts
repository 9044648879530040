// What hangs on a wall must not lie: when the newest answer of the server is old, the board turns grey
// and says since when it knows nothing.

import { age, serverNow } from "./times";

const STALE_MS = 50_000;

function look(words: HTMLElement): void {
  const asOf = Date.parse(document.querySelector<HTMLElement>("[data-as-of]")?.dataset.asOf ?? "");
  const old = serverNow() - asOf;
  const isStale = Number.isNaN(old) || old > STALE_MS;
  document.documentElement.toggleAttribute("data-stale", isStale);
  words.hidden = !isStale;
  const said = isStale ? `no news for ${age(old)}` : "";
  if (words.textContent !== said) words.textContent = said;
}

export function watchForStaleness(): void {
  const words = document.querySelector<HTMLElement>("[data-stale-words]");
  if (!words) return;
  look(words);
  setInterval(() => look(words), 1_000);
}
