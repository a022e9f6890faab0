import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../testing/fake-clock.ts';
import { Recorder } from '../../testing/recorder.ts';
import { CountersSource } from './source.ts';

const FIXTURES = join(import.meta.dirname, '../../../test/fixtures');

let root: string;
let clock: FakeClock;
let hurry: boolean;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'netfall-counters-'));
  clock = new FakeClock();
  hurry = false;
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Lays a fixture over what is there; links are laid once. */
function lay(fixture: string): void {
  for (const folder of ['proc', 'sys']) {
    const from = join(FIXTURES, fixture, folder);
    const to = join(root, folder);
    if (!existsSync(from) || (folder === 'sys' && existsSync(to))) continue;
    cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  }
}

function make(): CountersSource {
  return new CountersSource({ root, periodS: 5, clock, hurry: () => hurry });
}

/** What moved between a fixture's two readings, a line each, sorted. */
function moved(kernel: string): string {
  lay(`proc-${kernel}/before`);
  const source = make();
  source.start();
  lay(`proc-${kernel}/after`);
  hurry = true;
  const into = new Recorder();
  source.collect(into);
  source.stop();
  const lines = (prefix: string, numbers: Record<string, number>) =>
    Object.entries(numbers).map(([name, count]) => `${prefix}${name} ${count}\n`);
  return [...lines('', into.counters), ...lines('loss ', into.losses)].sort().join('');
}

describe('the source counters', () => {
  it.each(['6.18', '4.19', '2.6.32'])('reports what moved in the files of Linux %s', async (kernel) => {
    await expect(moved(kernel)).toMatchFileSnapshot(join(FIXTURES, `proc-${kernel}/counters.golden`));
  });

  it('reads every 5 s, or when there is hurry', () => {
    lay('proc-6.18/before');
    const source = make();
    source.start();
    lay('proc-6.18/after');
    const into = new Recorder();
    clock.step(4000);
    source.collect(into);
    expect(into.counters).toEqual({});
    clock.step(1000);
    source.collect(into);
    expect(into.counters['UdpNoPorts']).toBe(25);
    lay('proc-6.18/before');
    hurry = true;
    source.collect(into);
    expect(into.losses['counter_reset']).toBeGreaterThan(0);
  });

  it('probes what can be read', () => {
    const source = make();
    expect(source.probe()).toEqual({
      state: 'unavailable',
      detail: 'no counters',
      missing: `${root}/proc/net cannot be read`,
      mend: 'mount -t proc proc /proc',
    });
    lay('proc-6.18/before');
    expect(source.probe()).toEqual({ state: 'ok', detail: 'kernel counters from /proc/net' });
    mkdirSync(join(root, 'proc/sys/net'));
    expect(source.probe()).toMatchObject({
      state: 'degraded',
      detail: 'kernel counters from /proc/net',
      missing: "the host's interfaces are in the host's network namespace only, and this is another one",
    });
    rmSync(join(root, 'proc/sys/net'), { recursive: true });
    rmSync(join(root, 'proc/net/snmp6'));
    expect(source.probe().state).toBe('ok');
    rmSync(join(root, 'proc/net/softnet_stat'));
    expect(source.probe()).toEqual({
      state: 'degraded',
      detail: 'some kernel counters from /proc/net',
      missing: `${root}/proc/net/softnet_stat cannot be read`,
    });
  });

  it('reads files larger than its first buffer', () => {
    lay('proc-6.18/before');
    const path = join(root, 'proc/net/dev');
    const header = readFileSync(path, 'utf8').split('\n').slice(0, 2).join('\n');
    const write = (drops: number) => {
      const lines = Array.from(
        { length: 2000 },
        (_, i) => ` veth${i}: 0 0 0 ${drops} 0 0 0 0 0 0 0 0 0 0 0 0`,
      );
      writeFileSync(path, `${header}\n${lines.join('\n')}\n`);
    };
    write(1);
    const source = make();
    source.start();
    write(3);
    hurry = true;
    const into = new Recorder();
    source.collect(into);
    expect(Object.keys(into.counters).length).toBe(2000);
    expect(into.counters['rx_dropped@veth1999']).toBe(2);
    expect(into.losses).toEqual({});
  });

  it('bounds what it reads of one file, and counts that it did', () => {
    lay('proc-6.18/before');
    const source = make();
    source.start();
    writeFileSync(join(root, 'proc/net/snmp6'), 'Ip6InReceives 1\n'.repeat(300_000));
    hurry = true;
    const into = new Recorder();
    source.collect(into);
    expect(into.losses['file_cut']).toBe(1);
  });

  it('reads this machine', () => {
    const source = new CountersSource({ root: '/', periodS: 5, clock, hurry: () => true });
    expect(source.probe().state).not.toBe('unavailable');
    source.start();
    const into = new Recorder();
    source.collect(into);
    source.stop();
    expect(into.losses).toEqual({});
  });
});
