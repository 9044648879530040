// The time of an override is chosen on the lane of who is on call, by pointer or by keys, and written
// into the form beside it, which says what it would change. Without scripts the form is filled by hand.

import { serverNow } from "./times";

const SVG = "http://www.w3.org/2000/svg";
const DAY = 86_400_000;
const MOVED_PX = 4;

interface Shift {
  begin: number;
  end: number;
  user: string;
}

type End = "begin" | "end";

class Chooser {
  private readonly begin: number;
  private readonly end: number;
  private readonly step: number;
  private readonly zone: string;
  private shifts: Shift[] = [];
  private readonly overlay: SVGSVGElement;
  private readonly band = document.createElementNS(SVG, "rect");
  private readonly handles: Record<End, SVGGElement>;
  private chosen: { begin: number; end: number } | null = null;

  constructor(
    lanes: HTMLElement,
    private readonly track: HTMLElement,
    private readonly form: HTMLFormElement,
    private readonly status: HTMLElement,
  ) {
    this.begin = Date.parse(lanes.dataset.begin!);
    this.end = Date.parse(lanes.dataset.end!);
    this.step = Number(lanes.dataset.step) * 60_000;
    this.zone = lanes.dataset.clock!;
    // It stands in the page, so that a renewal leaves alone what is drawn in it.
    this.overlay = track.querySelector<SVGSVGElement>("[data-band]")!;
    this.read();
    this.band.setAttribute("class", "band");
    this.band.setAttribute("rx", "4");
    this.overlay.append(this.band);
    this.handles = { begin: this.handle("begin", "Beginning"), end: this.handle("end", "End") };
    track.addEventListener("pointerdown", (event) => this.drag(event));
  }

  /** The shifts that the lane shows now. */
  read(): void {
    this.shifts = [...this.track.querySelectorAll<SVGElement>("svg.bar")].map((bar) => ({
      begin: Date.parse(bar.dataset.begin!),
      end: Date.parse(bar.dataset.end!),
      user: bar.dataset.user!,
    }));
  }

  /** What the form says, if some of it is in these days. */
  showForm(): void {
    const [begin, end] = [this.field("starts_at"), this.field("ends_at")].map((field) => this.instant(field.value));
    if (begin! < end! && end! > this.begin && begin! < this.end) this.show(begin!, end!);
  }

  /** By keys: from the next full step of the shift that lasts, or where it was. */
  begins(): void {
    if (!this.chosen) {
      const now = serverNow();
      const at = now > this.begin && now < this.end ? this.snapped(now + this.step / 2) : this.begin + (this.end - this.begin) / 2;
      const shift = this.shifts.find((each) => each.begin <= at && at < each.end);
      this.show(this.snapped(at), Math.min(this.end, shift?.end ?? at + DAY / 2));
      this.write();
    }
    this.handles.begin.focus();
  }

  private handle(end: End, name: string): SVGGElement {
    const group = document.createElementNS(SVG, "g");
    group.setAttribute("role", "slider");
    group.setAttribute("tabindex", "0");
    group.setAttribute("aria-label", name);
    group.setAttribute("aria-describedby", "lane-keys");
    group.setAttribute("aria-valuemin", "0");
    group.setAttribute("aria-valuemax", String(Math.round((this.end - this.begin) / 60_000)));
    group.setAttribute("class", `handle ${end}`);
    for (const kind of ["reach", "grip"]) {
      const rect = document.createElementNS(SVG, "rect");
      rect.setAttribute("class", kind);
      group.append(rect);
    }
    group.addEventListener("keydown", (event) => this.key(event, end));
    group.addEventListener("pointerdown", (event) => this.dragEnd(event, end));
    this.overlay.append(group);
    return group;
  }

  private key(event: KeyboardEvent, which: End): void {
    if (!this.chosen || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.chosen[which];
    const steps: Record<string, number> = {
      ArrowLeft: at - this.step,
      ArrowDown: at - this.step,
      ArrowRight: at + this.step,
      ArrowUp: at + this.step,
      PageDown: at - DAY,
      PageUp: at + DAY,
      Home: this.handOver(at, -1),
      End: this.handOver(at, 1),
    };
    const next = steps[event.key];
    if (next !== undefined) {
      this.move(which, next);
      this.write();
    } else if (event.key === "Enter") {
      this.form.querySelector<HTMLElement>("select")?.focus();
    } else if (event.key === "Escape") {
      this.clear();
      document.querySelector<HTMLElement>("[data-choose]")?.focus();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** The hand-over before or after it, or the end of what is shown. */
  private handOver(at: number, way: 1 | -1): number {
    const all = this.shifts.flatMap((each) => [each.begin, each.end]).filter((each) => (each - at) * way > 0);
    const edge = way > 0 ? this.end : this.begin;
    return all.length ? (way > 0 ? Math.min(...all, edge) : Math.max(...all, edge)) : edge;
  }

  private move(which: End, to: number): void {
    if (!this.chosen) return;
    const { begin, end } = this.chosen;
    if (which === "begin") this.show(Math.max(this.begin, Math.min(to, end - this.step)), end);
    else this.show(begin, Math.min(this.end, Math.max(to, begin + this.step)));
  }

  /** Over the lane: a time; a tap: the shift that is there. */
  private drag(event: PointerEvent): void {
    if (event.button !== 0 || (event.target as Element).closest("[role=slider]")) return;
    const [fromX, from] = [event.clientX, this.at(event)];
    let moved = false;
    this.follow(
      event,
      (next) => {
        moved ||= Math.abs(next.clientX - fromX) > MOVED_PX;
        if (!moved) return;
        const [one, other] = [this.snapped(from), this.snapped(this.at(next))];
        if (one !== other) this.show(Math.min(one, other), Math.max(one, other));
      },
      () => {
        const shift = this.shifts.find((each) => each.begin <= from && from < each.end);
        if (!moved && shift) this.show(shift.begin, shift.end);
        if (this.chosen) this.write();
      },
    );
  }

  private dragEnd(event: PointerEvent, which: End): void {
    if (event.button !== 0) return;
    event.stopPropagation();
    this.handles[which].focus();
    this.follow(
      event,
      (next) => this.move(which, this.snapped(this.at(next))),
      () => this.write(),
    );
  }

  private follow(event: PointerEvent, moves: (next: PointerEvent) => void, ends: () => void): void {
    event.preventDefault();
    const pointer = event.pointerId;
    this.track.setPointerCapture(pointer);
    const before = this.chosen && { ...this.chosen };
    const over = new AbortController();
    const options = { signal: over.signal };
    this.track.addEventListener("pointermove", moves, options);
    this.track.addEventListener("pointerup", () => (over.abort(), ends()), options);
    const backTo = () => {
      over.abort();
      if (before) this.show(before.begin, before.end);
      else this.clear();
    };
    this.track.addEventListener("pointercancel", backTo, options);
    document.addEventListener("keydown", (key) => key.key === "Escape" && backTo(), options);
  }

  private at(event: PointerEvent): number {
    const box = this.track.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return this.begin + share * (this.end - this.begin);
  }

  /** A hand-over that is near, or else the nearest full step. */
  private snapped(at: number): number {
    const near = this.shifts.flatMap((each) => [each.begin, each.end]).find((each) => Math.abs(each - at) < this.step / 2);
    return near ?? this.begin + Math.round((at - this.begin) / this.step) * this.step;
  }

  private show(begin: number, end: number): void {
    this.chosen = { begin, end };
    const [left, right] = [this.percent(begin), this.percent(end)];
    this.band.setAttribute("x", `${left}%`);
    this.band.setAttribute("width", `${right - left}%`);
    this.place("begin", left, begin);
    this.place("end", right, end);
    this.overlay.removeAttribute("hidden");
    const minutes = Math.round((end - begin) / 60_000);
    const length = minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
    this.status.textContent = `${this.words(begin)} – ${this.words(end)}, ${length}.`;
  }

  private place(which: End, percent: number, at: number): void {
    const handle = this.handles[which];
    const [reach, grip] = handle.querySelectorAll("rect");
    reach!.setAttribute("x", `${percent}%`);
    grip!.setAttribute("x", `${percent}%`);
    handle.setAttribute("aria-valuenow", String(Math.round((at - this.begin) / 60_000)));
    handle.setAttribute("aria-valuetext", this.words(at));
  }

  private clear(): void {
    this.chosen = null;
    this.overlay.toggleAttribute("hidden", true);
    this.status.textContent = "Nothing is chosen.";
  }

  /** Into the form, which then tries it. Whose time it is stands there, if it is one person's. */
  private write(): void {
    if (!this.chosen) return;
    const { begin, end } = this.chosen;
    this.field("starts_at").value = this.local(begin);
    this.field("ends_at").value = this.local(end);
    const users = new Set(this.shifts.filter((each) => each.begin < end && each.end > begin).map((each) => each.user));
    const instead = this.form.querySelector<HTMLSelectElement>("[name=user_id]")!;
    const [only] = users;
    instead.value = users.size === 1 && only ? only : "";
    if (instead.selectedIndex < 0) instead.value = "";
    this.form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  private percent(at: number): number {
    return (100 * (Math.min(this.end, Math.max(this.begin, at)) - this.begin)) / (this.end - this.begin);
  }

  private field(name: string): HTMLInputElement {
    return this.form.querySelector<HTMLInputElement>(`[name=${name}]`)!;
  }

  private words(at: number): string {
    const form = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
    return new Date(at).toLocaleString("en-GB", { ...form, timeZone: this.zone });
  }

  /** As a field of date and time has it, by the schedule's clock. */
  private local(at: number): string {
    const form = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
    const parts = new Intl.DateTimeFormat("en-GB", { ...form, timeZone: this.zone }).formatToParts(new Date(at));
    const part = (type: string) => parts.find((each) => each.type === type)!.value;
    return `${part("year")}-${part("month")}-${part("day")}T${part("hour")}:${part("minute")}`;
  }

  /** The other way round: first as if it were UTC, then less what the clock of the zone is ahead then. */
  private instant(local: string): number {
    const wanted = Date.parse(`${local}Z`);
    const ahead = (at: number) => Date.parse(`${this.local(at)}Z`) - Math.floor(at / 60_000) * 60_000;
    const guess = wanted - ahead(wanted);
    return wanted - ahead(guess);
  }
}

export function chooseOnLanes(): void {
  const lanes = document.querySelector<HTMLElement>("[data-lanes]");
  const track = lanes?.querySelector<HTMLElement>("[data-track]");
  const form = document.querySelector<HTMLFormElement>("form[data-override]");
  const help = lanes?.querySelector<HTMLElement>("[data-lane-help]");
  if (!lanes || !track || !form || !help) return;
  help.hidden = false;
  const chooser = new Chooser(lanes, track, form, help.querySelector<HTMLElement>("[data-lane-status]")!);
  help.querySelector("[data-choose]")!.addEventListener("click", () => chooser.begins());
  if (form.dataset.chosen !== undefined) chooser.showForm();
  document.addEventListener("tocsin:renewed", () => chooser.read());
  for (const name of ["starts_at", "ends_at"]) {
    form.querySelector(`[name=${name}]`)!.addEventListener("change", () => chooser.showForm());
  }
}
