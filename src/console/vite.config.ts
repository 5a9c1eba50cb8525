import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// The console is the only part of Custos that is bundled. `npm start` builds it once; the server serves dist/console.
export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  plugins: [react()],
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    target: 'es2023',
    // Fonts stay files: inlined ones would be fetched again with every change of the style sheet.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
  },
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/openapi.json', '/docs'].map((path) => [
        path,
        `http://127.0.0.1:${process.env['CUSTOS_PORT'] ?? '7070'}`,
      ]),
    ),
  },
})
