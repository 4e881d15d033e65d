import { defineConfig } from 'vitest/config'

const project = (name: string, extra: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
})

export default defineConfig({
  test: {
    projects: [
      project('core', { isolate: false }),
      project('unit'),
      project('integration', { testTimeout: 20_000 }),
      project('e2e', { testTimeout: 90_000, fileParallelism: false }),
    ],
    coverage: {
      provider: 'v8',
      include: ['src/core/**'],
      thresholds: { branches: 100 },
    },
  },
})
