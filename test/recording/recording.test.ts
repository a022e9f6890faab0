/** Three faults in a small fleet on this machine, found and explained while they last. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeKfreeSkb } from '../../agent/sources/kfree-skb/index.ts';
import { findNatsServer, NATS_SERVER_MISSING } from '../nats-server.ts';
import { record } from './record.ts';
import type { Report } from './report.ts';

const works = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;

function whatIsMissing(): string | null {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!works('ip', 'netns', 'list')) return 'needs ip (iproute2)';
  if (!works('nft', '--version')) return 'needs nft (nftables)';
  if (!works('unshare', '--version')) return 'needs unshare (util-linux)';
  if (probeKfreeSkb().state !== 'ok') return 'needs a kernel whose drops BPF can count, with reasons';
  return findNatsServer() ? null : NATS_SERVER_MISSING;
}

const missing = whatIsMissing();

describe.skipIf(missing !== null)(`a recording${missing === null ? '' : ` (${missing})`}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'netfall-recording-'));
  let report: Report;
  beforeAll(async () => {
    const signal = new AbortController().signal;
    report = await record({ out: dir, minutes: 3, hosts: 12, seed: 1, say: () => {}, signal });
  }, 300_000);
  afterAll(() => rmSync(dir, { recursive: true }));

  it('finds each fault, explains it by what its hosts have in common, and finds nothing else', () => {
    const faults = report.faults.map(({ name, cause, explained, covered, beyond, joined, change }) => {
      return { name, cause, explained, covered, beyond, joined, change };
    });
    const right = { explained: 'exact', beyond: 0, joined: false };
    expect(faults).toEqual([
      { name: 'rack-qdisc', cause: 'rack=r2', ...right, covered: 3, change: false },
      { name: 'pool-filter', cause: 'pool=cache', ...right, covered: 4, change: true },
      { name: 'rack-cut', cause: 'rack=r4', ...right, covered: 3, change: false },
    ]);
    expect(report.others).toEqual([]);
  });

  it('comes of its log again as it was told', () => {
    expect(report.toldOtherwise).toEqual([]);
  });

  it('leaves nothing behind', () => {
    const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
    expect(stdout).not.toContain('nfrec');
  });
});
