// What the query could go on with, below its bar: by arrow keys, Tab or Enter, or with the pointer.

type Offer = { words: string; term: string };

/** The part of the query in which the cursor stands: where it begins, and its text up to the cursor. */
function termAt(input: HTMLInputElement): [number, string] {
  const text = input.value.slice(0, input.selectionStart ?? input.value.length);
  let begin = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') quoted = !quoted;
    if (text[at] === " " && !quoted) begin = at + 1;
  }
  return [begin, text.slice(begin)];
}

export function completeQueries(): void {
  const input = document.querySelector<HTMLInputElement>("[data-query]");
  const address = input?.dataset.complete;
  if (!input || !address) return;
  input.removeAttribute("list");
  const list = document.createElement("ul");
  list.id = "query-offers";
  list.className = "offers";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  list.hidden = true;
  input.closest("form")!.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": list.id,
  })) {
    input.setAttribute(name, value);
  }

  let offers: Offer[] = [];
  let at = -1;
  let asked = 0;
  let waits: number | undefined;

  const close = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const draw = () => {
    list.replaceChildren(
      ...offers.map((each, index) => {
        const item = document.createElement("li");
        item.id = `offer-${index}`;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", String(index === at));
        item.dataset.index = String(index);
        item.textContent = each.words;
        return item;
      }),
    );
    list.hidden = !offers.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    if (at < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", `offer-${at}`);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const ask = async () => {
    const turn = ++asked;
    const [, term] = termAt(input);
    const response = await fetch(`${address}?term=${encodeURIComponent(term)}`);
    if (turn !== asked || !response.ok || response.redirected) return;
    offers = (await response.json()) as Offer[];
    if (document.activeElement !== input || (offers.length === 1 && offers[0]!.term === term)) offers = [];
    at = -1;
    draw();
  };
  const take = (index: number) => {
    const offer = offers[index];
    if (!offer) return;
    const [begin, term] = termAt(input);
    const rest = input.value.slice(begin + term.length);
    const goesOn = offer.term.endsWith(":");
    const put = goesOn ? offer.term : `${offer.term} `;
    input.value = input.value.slice(0, begin) + put + rest.replace(/^\S*\s?/, "");
    input.setSelectionRange(begin + put.length, begin + put.length);
    close();
    if (goesOn) void ask();
  };

  input.addEventListener("input", () => {
    window.clearTimeout(waits);
    waits = window.setTimeout(() => void ask(), 120);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "ArrowDown" && list.hidden) {
      event.preventDefault();
      void ask();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && offers.length) {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : offers.length + (at < 0 ? 0 : -1))) % offers.length;
      draw();
    } else if (!list.hidden && at >= 0 && (event.key === "Enter" || event.key === "Tab")) {
      event.preventDefault();
      take(at);
    }
  });
  input.addEventListener("blur", () => setTimeout(close, 150));
  list.addEventListener("pointerdown", (event) => {
    const item = (event.target as Element).closest<HTMLElement>("[data-index]");
    if (!item) return;
    event.preventDefault();
    take(Number(item.dataset.index));
  });
}
