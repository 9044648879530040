// What the list can be narrowed to comes after the list, and only where there is room for it.

const CHOSEN = "tocsin:facet";

/** Now, or as soon as the window is wide enough. */
export function keepFacets(): void {
  const part = document.querySelector<HTMLElement>("[data-facets]");
  // They are links, and said to be boxes.
  part?.addEventListener("keydown", (event) => {
    const box = (event.target as Element).closest<HTMLElement>("a[role=checkbox]");
    if (event.key !== " " || !box) return;
    event.preventDefault();
    event.stopPropagation();
    box.click();
  });
  part?.addEventListener("click", (event) => {
    const box = (event.target as Element).closest<HTMLElement>("[data-facet]");
    if (box) sessionStorage.setItem(CHOSEN, box.dataset.facet!);
  });
  void loadFacets();
  window.addEventListener("resize", () => void loadFacets());
}

async function loadFacets(): Promise<void> {
  const part = document.querySelector<HTMLElement>("[data-facets]");
  if (!part || part.querySelector("h2") || part.hasAttribute("aria-busy")) return;
  if (getComputedStyle(part).display === "none") return;
  part.setAttribute("aria-busy", "true");
  const response = await fetch(part.dataset.facets!, { headers: { "HX-Request": "true" } });
  part.removeAttribute("aria-busy");
  if (!response.ok || response.redirected) return;
  part.innerHTML = await response.text();
  const chosen = sessionStorage.getItem(CHOSEN);
  sessionStorage.removeItem(CHOSEN);
  if (!chosen || document.activeElement !== document.body) return;
  part.querySelector<HTMLElement>(`[data-facet="${CSS.escape(chosen)}"]`)?.focus({ preventScroll: true });
}

/** How many alerts each view has; those that could not be counted at once stay without a number. */
export async function countViews(): Promise<void> {
  const part = document.querySelector<HTMLElement>("[data-view-counts]");
  if (!part) return;
  const response = await fetch(part.dataset.viewCounts!, { headers: { "HX-Request": "true" } });
  if (!response.ok || response.redirected) return;
  const counts = (await response.json()) as Record<string, string>;
  for (const link of part.querySelectorAll<HTMLElement>("[data-view]")) {
    const words = counts[link.dataset.view!];
    if (words === undefined) continue;
    const badge = document.createElement("span");
    badge.className = "count";
    badge.textContent = words;
    link.append(" ", badge);
  }
}
