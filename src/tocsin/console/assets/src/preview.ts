// What a form would do is tried while one types. Without scripts the button "try" does the same.

const PAUSE_MS = 700;

async function renew(form: HTMLFormElement, part: HTMLElement, signal: AbortSignal): Promise<void> {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string") fields.append(name, value);
  }
  fields.set("act", "try");
  const response = await fetch(location.href, { method: "POST", body: fields, signal });
  if (response.redirected || (!response.ok && response.status !== 422)) return;
  const fresh = new DOMParser()
    .parseFromString(await response.text(), "text/html")
    .querySelector("[data-preview]");
  if (fresh) part.innerHTML = fresh.innerHTML;
}

export function previewWhileTyping(): void {
  const part = document.querySelector<HTMLElement>("form [data-preview]");
  const form = part?.closest("form");
  if (!part || !form) return;
  let timer: number | undefined;
  let asked: AbortController | undefined;
  form.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      asked?.abort();
      asked = new AbortController();
      part.setAttribute("aria-busy", "true");
      const mine = asked;
      renew(form, part, mine.signal)
        .catch(() => undefined)
        .finally(() => {
          if (asked === mine) part.removeAttribute("aria-busy");
        });
    }, PAUSE_MS);
  });
}
