// The icons of the installable app, drawn from the mark of the page: phones want pixels, and none are kept.

import { crc32, deflateSync } from "node:zlib";
import type { Plugin } from "vite";

type Point = [number, number];

const GROUND = [0x4a, 0x55, 0xd0] as const;
const STROKE = 1.1; // half its width, in units of the drawing
const SIDE = 32;

/** An icon of the app: a maskable one fills its square, for phones cut their own shape out of it. */
const ICONS = [
  { name: "app-192.png", size: 192, maskable: false },
  { name: "app-512.png", size: 512, maskable: false },
  { name: "app-maskable-512.png", size: 512, maskable: true },
];

export function appIcons(): Plugin {
  return {
    name: "tocsin-app-icons",
    generateBundle() {
      for (const { name, size, maskable } of ICONS) {
        this.emitFile({ type: "asset", name, source: png(size, draw(size, maskable)) });
      }
    },
  };
}

function draw(size: number, maskable: boolean): Uint8Array {
  // What is cut off of a maskable icon is up to a fifth on each side: the bell stands within.
  const scale = (maskable ? 0.72 : 1) * (size / SIDE);
  const shift = (size - SIDE * scale) / 2;
  const lines = bell().map((line) => line.map(([x, y]): Point => [x * scale + shift, y * scale + shift]));
  const pixels = new Uint8Array(size * size * 4);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const at: Point = [column + 0.5, row + 0.5];
      const white = cover(STROKE * scale - distance(at, lines));
      const ground = maskable ? 1 : cover(-outside(at, size, size / 4));
      GROUND.forEach((value, channel) => {
        pixels[(row * size + column) * 4 + channel] = Math.round(value + (255 - value) * white);
      });
      pixels[(row * size + column) * 4 + 3] = Math.round(255 * ground);
    }
  }
  return pixels;
}

/** How much of a pixel lies inside, by how far its middle does. */
function cover(depth: number): number {
  return Math.min(1, Math.max(0, depth + 0.5));
}

/** How far a point lies outside a square with round corners; negative inside. */
function outside([x, y]: Point, size: number, radius: number): number {
  const half = size / 2;
  const [dx, dy] = [Math.abs(x - half) - half + radius, Math.abs(y - half) - half + radius];
  return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - radius;
}

function distance([x, y]: Point, lines: Point[][]): number {
  let least = Infinity;
  for (const line of lines) {
    for (let index = 1; index < line.length; index++) {
      const [ax, ay] = line[index - 1]!;
      const [bx, by] = line[index]!;
      const [dx, dy] = [bx - ax, by - ay];
      const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
      least = Math.min(least, Math.hypot(x - ax - along * dx, y - ay - along * dy));
    }
  }
  return least;
}

/** The bell of the page's mark, as lines in a square of 32. */
function bell(): Point[][] {
  const dome = arc([16, 14], 6, Math.PI, 2 * Math.PI);
  const right = curve([22, 14], [22, 20], [24.5, 21], [24.5, 21]);
  const left = curve([7.5, 21], [7.5, 21], [10, 20], [10, 14]);
  const clapper = arc([16, 23.58], 2.2, Math.PI - 0.43, 0.43);
  return [[...dome, ...right, ...left], clapper];
}

function arc([x, y]: Point, radius: number, from: number, to: number): Point[] {
  return steps((t) => {
    const angle = from + (to - from) * t;
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  });
}

function curve(a: Point, b: Point, c: Point, d: Point): Point[] {
  const mix = (t: number, index: 0 | 1) =>
    (1 - t) ** 3 * a[index] + 3 * (1 - t) ** 2 * t * b[index] + 3 * (1 - t) * t * t * c[index] + t ** 3 * d[index];
  return steps((t) => [mix(t, 0), mix(t, 1)]);
}

function steps(at: (t: number) => Point): Point[] {
  return Array.from({ length: 25 }, (_, index) => at(index / 24));
}

function png(size: number, pixels: Uint8Array): Uint8Array {
  const rows = Buffer.alloc(size * (size * 4 + 1));
  for (let row = 0; row < size; row++) {
    rows.set(pixels.subarray(row * size * 4, (row + 1) * size * 4), row * (size * 4 + 1) + 1);
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 6, 0, 0, 0], 8);
  const begin = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([begin, chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(kind: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(kind, "latin1"), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
