import { defineConfig } from 'vitest/config'

const project = (name: string, extra: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
})

export default defineConfig({
  test: {
    projects: [
      project('core', { isolate: false }),
      project('unit'),
      // Simulated hours; days and weeks by `npm run simulate`.
      project('simulation', { testTimeout: 60_000 }),
      project('integration', { testTimeout: 20_000 }),
      // After all others: what it measures should not have to share the machine with them.
      project('e2e', { testTimeout: 90_000, fileParallelism: false, sequence: { groupOrder: 1 } }),
      // PostgreSQL, Redis, HAProxy, … where they are installed (test/servers/install.sh); skipped where they are not.
      project('servers', {
        testTimeout: 60_000,
        hookTimeout: 60_000,
        fileParallelism: false,
        sequence: { groupOrder: 2 },
      }),
    ],
    coverage: {
      provider: 'v8',
      include: ['src/core/**'],
      thresholds: { branches: 100 },
    },
  },
})
