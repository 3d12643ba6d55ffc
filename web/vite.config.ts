import { defineConfig } from "vite";

// The server that `npm run dev` asks; `sensorium serve` by default.
const server = process.env.SENSORIUM_SERVER ?? "http://127.0.0.1:7700";

export default defineConfig({
  build: {
    outDir: "../crates/server/page",
    emptyOutDir: true,
    // What the page's style sheet needs (`light-dark()`) comes with these.
    target: ["chrome123", "firefox120", "safari17.5"],
    // The page's policy allows no `data:` for styles and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // The server answers its own page alone.
  server: { proxy: { "/api": { target: server, changeOrigin: true, headers: { Origin: server } } } },
});
