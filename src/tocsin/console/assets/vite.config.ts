import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig, type Plugin } from "vite";
import { appIcons } from "./app_icons.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

/** One sprite of the icons that the templates name, and of no others. */
function icons(): Plugin {
  return {
    name: "tocsin-icons",
    generateBundle() {
      const names = readFileSync(`${here}src/icons.txt`, "utf8").split(/\s+/).filter(Boolean);
      const symbols = names.map((name) => {
        const svg = readFileSync(`${here}node_modules/lucide-static/icons/${name}.svg`, "utf8");
        const inner = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
        return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${inner.trim()}</symbol>`;
      });
      this.emitFile({
        type: "asset",
        name: "icons.svg",
        source: `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`,
      });
    },
  };
}

export default defineConfig({
  base: "/static/",
  plugins: [tailwindcss(), icons(), appIcons()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    manifest: "manifest.json",
    assetsDir: "",
    modulePreload: false,
    rolldownOptions: {
      input: { console: `${here}src/console.ts`, worker: `${here}worker/worker.ts` },
    },
  },
});
