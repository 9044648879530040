// Ages and countdowns that move by themselves, by the server's clock: a phone's may be minutes off.

const said = Number(document.documentElement.dataset.now ?? Date.now());
const skew = said - Date.now();

/** Milliseconds since the epoch, by the server's clock. */
export function serverNow(): number {
  return Date.now() + skew;
}

export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function tick(): void {
  const now = serverNow();
  for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-age]")) {
    element.textContent = age(now - Date.parse(element.dateTime));
  }
  for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-countdown]")) {
    element.textContent = countdown(Date.parse(element.dateTime) - now);
  }
  // No style of an element is set anywhere: what copies it as an attribute breaks the policy of the page.
  for (const bar of document.querySelectorAll<HTMLProgressElement>("progress[data-from][data-to]")) {
    const [from, to] = [Date.parse(bar.dataset.from!), Date.parse(bar.dataset.to!)];
    bar.value = Math.min(1, Math.max(0, (now - from) / (to - from)));
  }
  for (const element of document.querySelectorAll<HTMLElement>(".now b[data-zone]")) {
    const form = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
    element.textContent = new Date(now).toLocaleTimeString("en-GB", {
      ...form,
      timeZone: element.dataset.zone!,
    });
  }
}

export function keepTimes(): void {
  tick();
  setInterval(tick, 1000);
  document.addEventListener("htmx:after:swap", tick);
}
