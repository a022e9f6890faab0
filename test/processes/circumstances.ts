/** Netfall without something that it would like to have: what it says of that, and what it counts all the same. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeEntry, readEventLine } from '@netfall/proto';
import { launcher, Netfall, run } from './netfall.ts';

/** A command that makes circumstances for the one behind it; empty for those of the test. */
export type Circumstances = readonly string[];

/** What is said of a source. */
export interface Said {
  readonly state: string;
  readonly detail: string;
  readonly mend: string;
}

/** Takes capabilities (`NET_ADMIN`) from whatever root starts. */
export function without(...names: readonly string[]): Circumstances {
  const set = names.map((name) => `-${name.toLowerCase()}`).join(',');
  return ['setpriv', `--bounding-set=${set}`, `--inh-caps=${set}`];
}

/** The mend for capabilities that root was not given. */
export function give(...names: readonly string[]): string {
  return [
    `docker run ${names.map((name) => `--cap-add=${name}`).join(' ')}`,
    `capabilities: {add: [${names.join(', ')}]} in the pod's securityContext`,
    `CapabilityBoundingSet=${names.map((name) => `CAP_${name}`).join(' ')} in the systemd unit`,
  ].join(', or ');
}

/** What is missing where those are. */
export function notGiven(...names: readonly string[]): string {
  const capabilities = names.map((name) => `CAP_${name}`).join(' and ');
  return `${capabilities} not held, and the bounding set keeps what is lacking out`;
}

/** What `netfall doctor` says there, by the names of sources and checks. */
export async function examine(circumstances: Circumstances): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await start(circumstances, ['doctor', '--json']).ended;
  if (code !== 0 || stderr !== '') throw new Error(`doctor ended with ${code}: ${stderr}`);
  const { sources, checks } = JSON.parse(stdout);
  return Object.fromEntries([...sources, ...checks].map(({ name, ...said }) => [name, said]));
}

export interface Watched {
  /** What the agent said of its sources when it began. */
  readonly sources: readonly ({ readonly name: string } & Said)[];
  /** Whether it reported drops, be it that there were none. */
  readonly reportsDrops: boolean;
  /** Datagrams over IPv6 to ports that nobody listens on, as dropped packets. */
  readonly dropped: number;
  /** The same by the kernel's own counter, in the agent's network namespace. */
  readonly refused: number;
}

/** What an agent there tells of the time in which `load` runs. */
export async function watch(circumstances: Circumstances, load: () => Promise<unknown>): Promise<Watched> {
  const folder = mkdtempSync(join(tmpdir(), 'netfall-circumstances-'));
  // For whoever it runs as.
  chmodSync(folder, 0o777);
  const data = join(folder, 'data');
  const up = start(circumstances, ['up', '--json', '--data', data, '--listen', '127.0.0.1:0']);
  try {
    await up.line(/^\{"url"/, 120_000);
    await load();
    const code = await up.kill('SIGTERM');
    if (code !== 0) throw new Error(`up ended with ${code}: ${up.stderr}`);
    return { sources: JSON.parse(up.lines[0] ?? '').sources, ...(await told(data)) };
  } finally {
    await up.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

function start(circumstances: Circumstances, args: readonly string[]): Netfall {
  const [command = '', ...rest] = [...circumstances, launcher];
  return new Netfall([...rest, ...args], { command });
}

async function told(data: string): Promise<Omit<Watched, 'sources'>> {
  const { code, stdout, stderr } = await run('export', '--data', data);
  if (code !== 0) throw new Error(`export ended with ${code}: ${stderr}`);
  const items = stdout
    .trimEnd()
    .split('\n')
    .flatMap((line, i) => decodeEntry(readEventLine(line, i + 1).data).envelope?.items ?? []);
  const drops = items.flatMap(({ drop_report }) => drop_report?.drops ?? []);
  const counters = items.flatMap(({ counter_report }) => counter_report?.counters ?? []);
  const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
  const ours = drops.filter(({ reason, protocol }) => reason === 'NO_SOCKET' && protocol === 'IPv6');
  const noPorts = counters.filter(({ name, namespace }) => name === 'Udp6NoPorts' && namespace === '');
  return {
    reportsDrops: items.some(({ drop_report }) => drop_report),
    dropped: sum(ours.map(({ events }) => events)),
    refused: sum(noPorts.map(({ delta }) => delta)),
  };
}
