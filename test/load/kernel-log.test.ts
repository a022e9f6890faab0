import { describe, expect, it } from 'vitest';
import { kernelLog, kernelRecords } from './kernel-log.ts';
import type { LogRecord } from './netconsole.ts';

function first(seed: number, count: number, seq?: number): LogRecord[] {
  const records = kernelRecords(seed, seq);
  return Array.from({ length: count }, () => records.next().value);
}

describe('a kernel log', () => {
  const log = Buffer.from(kernelLog(1, 100_000)).toString('latin1');

  it('has exactly as many bytes as asked', () => {
    expect([0, 1, 1000, 1024, 5000, 100_000].map((bytes) => kernelLog(3, bytes).length)).toEqual([
      0, 1, 1000, 1024, 5000, 100_000,
    ]);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(Buffer.from(kernelLog(1, 100_000)).toString('latin1')).toBe(log);
    expect(Buffer.from(kernelLog(2, 100_000)).toString('latin1')).not.toBe(log);
  });

  it('ends with a panic, whatever its length', () => {
    const end = '---[ end Kernel panic - not syncing: Fatal exception in interrupt ]---\n';
    expect(log.endsWith(end)).toBe(true);
    expect(Buffer.from(kernelLog(4, end.length)).toString('latin1')).toBe(end);
  });

  it('has lines with the time, which never goes back', () => {
    const lines = log.split('\n').slice(1, -1);
    const times = lines.map((line) => {
      const [, seconds, micros] = /^\[ {0,4}(\d+)\.(\d{6})\] [ -~]+$/.exec(line) ?? [];
      return Number(seconds) * 1e6 + Number(micros);
    });
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

describe('records', () => {
  it('are numbered from the given number on', () => {
    expect(first(1, 3).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(first(1, 3, 416).map(({ seq }) => seq)).toEqual([416, 417, 418]);
  });

  it('fit into what printk keeps, some only just', () => {
    const lengths = first(1, 10_000).map(({ text }) => text.length);
    expect(Math.min(...lengths)).toBe(6);
    expect(Math.max(...lengths)).toBe(1001);
  });
});
