// The row of a list that keys act on, and how it stays through renewals and the page that follows an action.

const KEPT = "tocsin:place";
const MOST_KEPT = 20;

type Place = { path: string; rows: string[] };

export function rows(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-row]:not(.left)")];
}

/** The row in which the focus is, for it survives renewals, or else that which was chosen by keys. */
export function current(): HTMLElement | null {
  const focused = document.activeElement?.closest<HTMLElement>("[data-row]:not(.left)");
  return focused ?? document.querySelector<HTMLElement>("[data-row].cursor");
}

function put(row: HTMLElement): void {
  mark(row);
  row.querySelector<HTMLElement>("a")?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function mark(row: HTMLElement): void {
  for (const other of document.querySelectorAll(".cursor")) other.classList.remove("cursor");
  row.classList.add("cursor");
}

export function move(by: number): void {
  const all = rows();
  const at = current();
  const index = at ? all.indexOf(at) + by : 0;
  const next = all[Math.max(0, Math.min(all.length - 1, index))];
  if (next) put(next);
}

/** What a button does ends with the same page anew: there the cursor is where it was, or as near as can be,
    and whoever was in the content is not sent back to the top of the page. */
export function keepPlace(): void {
  document.addEventListener("submit", () => {
    const row = current();
    const all = rows();
    const index = row ? all.indexOf(row) : 0;
    const near = row ? [...all.slice(index), ...all.slice(0, index).reverse()] : [];
    const place: Place = {
      path: location.pathname,
      rows: near.slice(0, MOST_KEPT).map((each) => each.dataset.row ?? ""),
    };
    sessionStorage.setItem(KEPT, JSON.stringify(place));
  });
  document.addEventListener("tocsin:renewed", () => {
    const row = current();
    if (row) mark(row);
  });
  const kept = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  // A form that was refused has its focus at what is wrong.
  if (!kept || document.activeElement !== document.body || document.querySelector("[autofocus]")) return;
  const place = JSON.parse(kept) as Place;
  if (place.path !== location.pathname) return;
  const row = place.rows.map(find).find((each) => each !== null);
  if (row) put(row);
  else document.querySelector<HTMLElement>("main")?.focus({ preventScroll: true });
}

function find(id: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`[data-row="${CSS.escape(id)}"]`);
}
