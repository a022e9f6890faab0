import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Where scripts/ensure-installed.js finds or puts the programs that tests start.
const tools = ['/usr/sbin', '/sbin', join(homedir(), 'go/bin'), join(import.meta.dirname, '.tools/bin')];
process.env['PATH'] = [process.env['PATH'], ...tools].join(delimiter);

// Suites that load kernel programs, count every drop of the machine or start whole processes and measure them by exact
// numbers: they run one after another, while nothing else does.
const exclusive = [
  'agent/**/*.kernel.test.ts',
  'test/e2e/**/*.test.ts',
  'test/faults/**/*.test.ts',
  'test/recording/recording.test.ts',
];

// Suites that boot VMs: two at a time, while nothing else runs, for each keeps one CPU busy.
const booting = ['test/vm/**/*.test.ts'];

// Suites of what only other kernels have: test/vm runs them in VMs, with this set.
const guests = ['**/*.vm.test.ts'];
const isGuest = process.env['NETFALL_IN_VM'] === '1';

const everywhere = { pool: 'forks', testTimeout: 30_000, hookTimeout: 30_000 } as const;

export default defineConfig({
  test: {
    reporters: ['default', './test/reporter.ts'],
    projects: [
      {
        test: {
          ...everywhere,
          name: 'unit',
          include: isGuest ? guests : ['**/*.test.ts'],
          exclude: ['**/node_modules/**', ...(isGuest ? [] : [...exclusive, ...booting, ...guests])],
          fileParallelism: !isGuest,
          // Without a number there is one worker less than there are processors. And what has one worker and no order, or
          // order 0, runs one after another behind all that has an order.
          maxWorkers: '100%',
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...everywhere,
          name: 'machine',
          include: isGuest ? [] : exclusive,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...everywhere,
          name: 'vm',
          include: isGuest ? [] : booting,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
