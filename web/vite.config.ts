import { defineConfig } from "vite";

// The server that `npm run dev` asks; `sensorium serve` by default.
const server = process.env.SENSORIUM_SERVER ?? "http://127.0.0.1:7700";
// The server answers its own page alone.
const proxy = { "/api": { target: server, changeOrigin: true, headers: { Origin: server } } };

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
  server: { proxy },
  // The built page under the policy that the server sends with it.
  preview: {
    proxy,
    headers: {
      "Content-Security-Policy":
        "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; " +
        "form-action 'self'; frame-ancestors 'none'",
    },
  },
});
