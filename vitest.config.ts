import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Where scripts/ensure-installed.js finds or puts the programs that tests start.
const tools = ['/usr/sbin', '/sbin', join(homedir(), 'go/bin'), join(import.meta.dirname, '.tools/bin')];
process.env['PATH'] = [process.env['PATH'], ...tools].join(delimiter);

// Suites that load kernel programs, count every drop of the machine or start whole processes and measure them by exact
// numbers: they run one after another, after everything else.
const exclusive = [
  'agent/**/*.kernel.test.ts',
  'test/drops/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/faults/**/*.test.ts',
  'test/vm/**/*.test.ts',
];

const everywhere = { pool: 'forks', testTimeout: 30_000, hookTimeout: 30_000 } as const;

export default defineConfig({
  test: {
    reporters: ['default', './test/reporter.ts'],
    projects: [
      {
        test: {
          ...everywhere,
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', ...exclusive],
        },
      },
      {
        test: {
          ...everywhere,
          name: 'machine',
          include: exclusive,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
