// The command menu: everything there is to do and every place to go, by its first letters.

type Entry = { words: string; note: string; icon: string; keys: string[]; run: () => void; section: string };

function icon(name: string): string {
  const sprite = document.documentElement.dataset.icons ?? "";
  return `<svg class="icon" aria-hidden="true"><use href="${sprite}#${name}"></use></svg>`;
}

/** What this page offers, as its own links and buttons say it. */
function entries(): Entry[] {
  const found: Entry[] = [];
  for (const button of document.querySelectorAll<HTMLElement>("main [data-command]")) {
    if (button.closest("[hidden], [data-row]:not(.cursor)")) continue;
    found.push({
      words: button.dataset.command!,
      note: button.dataset.note ?? "",
      icon: button.dataset.icon ?? "check",
      keys: button.dataset.key ? [button.dataset.key] : [],
      run: () => button.click(),
      section: "On this page",
    });
  }
  for (const link of document.querySelectorAll<HTMLAnchorElement>(".side nav a[data-add]")) {
    // The page offers it itself where it can.
    if (found.some((each) => each.words === link.dataset.add)) continue;
    found.push({
      words: link.dataset.add!,
      note: "",
      icon: "plus",
      keys: [],
      run: () => location.assign(`${link.pathname}/new`),
      section: "Add",
    });
  }
  for (const link of document.querySelectorAll<HTMLAnchorElement>(".side nav a")) {
    found.push({
      words: link.querySelector(".word")?.textContent?.trim() ?? "",
      note: "",
      icon: link.dataset.icon ?? "arrow-right",
      keys: link.dataset.go ? ["g", link.dataset.go] : [],
      run: () => location.assign(link.href),
      section: "Go to",
    });
  }
  return found;
}

function escape(text: string): string {
  const element = document.createElement("i");
  element.textContent = text;
  return element.innerHTML;
}

let shown: Entry[] = [];
let at = 0;
let asked = 0;

function draw(dialog: HTMLDialogElement, text: string, alerts: Entry[]): void {
  const wanted = text.trim().toLowerCase();
  shown = [...entries().filter((each) => each.words.toLowerCase().includes(wanted)), ...alerts];
  at = Math.min(at, Math.max(0, shown.length - 1));
  let section = "";
  const html = shown.map((each, index) => {
    const head = each.section === section ? "" : `<li class="menu-head" role="presentation">${escape(each.section)}</li>`;
    section = each.section;
    const keys = each.keys.map((key) => `<kbd>${escape(key)}</kbd>`).join("");
    return `${head}<li role="option" id="menu-${index}" aria-selected="${index === at}" data-index="${index}">${icon(each.icon)}<b>${escape(each.words)}</b><span>${escape(each.note)}</span>${keys}</li>`;
  });
  const list = dialog.querySelector("ul")!;
  list.innerHTML = html.join("") || `<li class="menu-head">Nothing is called that.</li>`;
  dialog.querySelector("input")!.setAttribute("aria-activedescendant", `menu-${at}`);
  list.querySelector(`#menu-${at}`)?.scrollIntoView({ block: "nearest" });
}

async function findAlerts(text: string): Promise<Entry[]> {
  if (text.trim().length < 2) return [];
  const response = await fetch(`/alerts/jump?q=${encodeURIComponent(text)}`);
  if (!response.ok) return [];
  const found = (await response.json()) as { id: string; title: string; note: string; icon: string }[];
  return found.map((each) => ({
    words: each.title,
    note: each.note,
    icon: each.icon,
    keys: [],
    run: () => location.assign(`/alerts/${each.id}`),
    section: "Alerts",
  }));
}

export function openMenu(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#jump");
  if (!dialog) return;
  const input = dialog.querySelector("input")!;
  input.value = "";
  at = 0;
  draw(dialog, "", []);
  dialog.showModal();
  input.focus();
}

export function openJumpMenu(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#jump");
  if (!dialog) return;
  const input = dialog.querySelector("input")!;
  const run = (index: number) => {
    const entry = shown[index];
    dialog.close();
    entry?.run();
  };
  document.querySelector("[data-jump]")?.addEventListener("click", (event) => {
    event.preventDefault();
    openMenu();
  });
  input.addEventListener("input", () => {
    at = 0;
    const turn = ++asked;
    draw(dialog, input.value, []);
    void findAlerts(input.value).then((alerts) => {
      if (turn === asked) draw(dialog, input.value, alerts);
    });
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const count = shown.length || 1;
      at = (at + (event.key === "ArrowDown" ? 1 : count - 1)) % count;
      draw(dialog, input.value, shown.filter((each) => each.section === "Alerts"));
    }
    if (event.key === "Enter") {
      event.preventDefault();
      run(at);
    }
  });
  dialog.addEventListener("click", (event) => {
    const item = (event.target as Element).closest<HTMLElement>("[data-index]");
    if (item) run(Number(item.dataset.index));
    else if (event.target === dialog) dialog.close();
  });
  for (const other of document.querySelectorAll<HTMLDialogElement>("dialog")) {
    other.addEventListener("click", (event) => {
      if (event.target === other) other.close();
    });
  }
}
