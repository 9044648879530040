// The chart of alerts over time: drawn of the table beside it, which stays for who wants the numbers.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

const ORDER = ["info", "low", "medium", "high", "critical"];
const COLOURS: Record<string, string> = {
  info: "--line2",
  low: "--low",
  medium: "--chart-medium",
  high: "--chart-high",
  critical: "--chart-critical",
};

interface Numbers {
  at: number[];
  by: Record<string, number[]>;
  step: number;
}

function read(table: HTMLTableElement): Numbers {
  const names = [...table.tHead!.rows[0]!.cells].slice(1).map((cell) => cell.dataset.severity!);
  const rows = [...table.tBodies[0]!.rows];
  const by: Record<string, number[]> = {};
  names.forEach((name, place) => {
    by[name] = rows.map((row) => Number(row.cells[place + 1]!.textContent));
  });
  return { at: rows.map((row) => Number(row.dataset.at)), by, step: Number(table.dataset.step) };
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw(place: HTMLElement, numbers: Numbers, zone: string): uPlot {
  // Bars on top of each other: each is drawn whole, the highest first, and the next covers its foot.
  let below = numbers.at.map(() => 0);
  const stacked = ORDER.map((name) => {
    below = below.map((value, index) => value + (numbers.by[name]?.[index] ?? 0));
    return below;
  });
  const shown = ORDER.map((name, index) => ({ name, values: stacked[index]! })).reverse();
  const bars = uPlot.paths.bars!({ size: [0.8, 40], align: 1, gap: 1 });
  const axis = { stroke: colour("--muted"), font: "11px Inter Variable, sans-serif" };
  const chart = new uPlot(
    {
      width: place.clientWidth,
      height: place.clientHeight,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { range: (_, low, high) => [low, high + numbers.step] }, y: { range: (_, __, high) => [0, Math.max(4, high * 1.05)] } },
      axes: [
        { ...axis, size: 32, grid: { show: false }, ticks: { stroke: colour("--line2"), width: 1, size: 4 }, space: 72, values: (_, splits) => splits.map((at) => tick(at, numbers.step, zone)) },
        { ...axis, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] },
      ],
      series: [
        {},
        ...shown.map(({ name }) => ({ label: name, fill: colour(COLOURS[name]!), stroke: colour(COLOURS[name]!), width: 0, paths: bars, points: { show: false } })),
      ],
      hooks: { setCursor: [(self) => note(place, numbers, self.cursor.idx ?? null, zone)] },
    },
    [numbers.at, ...shown.map(({ values }) => values)],
    place,
  );
  return chart;
}

/** The day where one begins, else the time; the day alone where a step is one. */
function tick(seconds: number, step: number, zone: string): string {
  const at = new Date(seconds * 1000);
  const time = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
  if (step < 86_400 && time !== "00:00") return time;
  return at.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: zone });
}

function moment(seconds: number, zone: string): string {
  return new Date(seconds * 1000).toLocaleString("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: zone,
  });
}

/** What stands under the pointer, in words. */
function note(place: HTMLElement, numbers: Numbers, index: number | null, zone: string): void {
  const line = place.nextElementSibling as HTMLElement | null;
  if (!line?.classList.contains("plot-note")) return;
  if (index === null) {
    line.textContent = "";
    return;
  }
  const counts = [...ORDER].reverse().flatMap((name) => {
    const count = numbers.by[name]?.[index] ?? 0;
    return count ? [`${count} ${name}`] : [];
  });
  line.textContent = `${moment(numbers.at[index]!, zone)}: ${counts.join(", ") || "none"}`;
}

export function drawCharts(): void {
  for (const place of document.querySelectorAll<HTMLElement>("[data-plot]")) {
    const table = document.getElementById(place.dataset.plot!) as HTMLTableElement | null;
    if (!table) continue;
    const zone = document.querySelector<HTMLElement>("[data-zone]")?.dataset.zone ?? "UTC";
    const numbers = read(table);
    place.hidden = false;
    place.setAttribute("aria-hidden", "true");
    const line = document.createElement("p");
    line.className = "meta plot-note num";
    line.setAttribute("aria-hidden", "true");
    place.after(line);
    table.closest("details")?.removeAttribute("open");
    let chart = draw(place, numbers, zone);
    const again = () => {
      chart.destroy();
      chart = draw(place, numbers, zone);
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: place.clientHeight })).observe(place);
  }
}
