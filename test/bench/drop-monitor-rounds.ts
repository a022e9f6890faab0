/**
 * The part of drop-monitor.ts that runs in the VM: floods a closed port on loopback while our source watches, while
 * dropwatch does, and while nobody does, in turn.
 *
 *   node test/bench/drop-monitor-rounds.ts --rounds=7 --count=8000 --rate=2000
 *
 * Prints a {@link Stretch} as JSON for each. Throws when an observer did not receive what it should.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { KernelMonitor } from '../../agent/sources/drop-monitor/control.ts';
import { numberOf } from '../load/child.ts';
import { openSocket, sendPaced } from '../load/datagrams.ts';
import { socketAddress } from '../load/udp-flood.ts';

/** What one flood cost. */
export interface Stretch {
  readonly observer: 'nobody' | 'netfall' | 'dropwatch';
  /** Alerts that the observer received in this flood and those before it. */
  readonly received: number;
  /** Processor time of the observer, and of the whole guest, µs. */
  readonly processUs: number;
  readonly guestUs: number;
}

const CLOSED_PORT = 9;
const PAYLOAD_BYTES = 32;
/** Datagrams at a time: dropwatch's receive buffer holds some 60 alerts. */
const BURST = 16;
/** What an observer must have received for its cost to count. */
const LEAST_RECEIVED = 0.9;
/** Until all of a flood is received and collected. */
const SETTLE_MS = 2_000;
const WARMING_FLOODS = 3;
const OUTPUT = '/dev/shm/observer';
const AF_INET = 2;
const SOCK_DGRAM = 2;
const TICK_US = 10_000;

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { rounds: text, count: text, rate: text } });
const rounds = numberOf('rounds', values.rounds);
const count = Math.ceil(numberOf('count', values.count) / BURST) * BURST;
/** Datagrams of all floods that an observer sees. */
const all = (WARMING_FLOODS + 1) * count;
const rate = numberOf('rate', values.rate);

using monitor = new KernelMonitor();
const group = `/sys/fs/cgroup${readFileSync('/proc/self/cgroup', 'latin1').trim().slice('0::'.length)}/observer`;

mkdirSync(group);
try {
  flood();
  for (let round = 0; round < rounds; round++) {
    for (const observe of [underNobody, underNetfall, underDropwatch])
      console.log(JSON.stringify(await observe()));
  }
} finally {
  writeFileSync(`${group}/cgroup.kill`, '1');
  while (readFileSync(`${group}/cgroup.procs`, 'latin1') !== '') await sleep(100);
  rmdirSync(group);
}

function flood(): void {
  const address = socketAddress('127.0.0.1', CLOSED_PORT);
  const payloads = [new ArrayBuffer(PAYLOAD_BYTES)];
  for (let sent = 0; sent < count; sent += BURST) {
    sendPaced(openSocket(AF_INET, SOCK_DGRAM, 0), address, payloads, BURST, rate);
  }
}

/** What a flood costs while that observer is there. */
async function stretch(): Promise<Pick<Stretch, 'processUs' | 'guestUs'>> {
  const [process, guest] = [groupUs(), guestUs()];
  flood();
  await sleep(SETTLE_MS);
  return { processUs: groupUs() - process, guestUs: guestUs() - guest };
}

/** The same after floods in which its code is compiled. */
async function warmStretch(): Promise<Pick<Stretch, 'processUs' | 'guestUs'>> {
  for (let i = 0; i < WARMING_FLOODS; i++) flood();
  return await stretch();
}

async function underNobody(): Promise<Stretch> {
  return { observer: 'nobody', received: 0, ...(await stretch()) };
}

async function underNetfall(): Promise<Stretch> {
  const child = await start([process.execPath, 'test/bench/drop-monitor-observer.ts']);
  const figures = await warmStretch();
  child.kill('SIGTERM');
  await ended(child);
  const { events, lost } = JSON.parse(readFileSync(OUTPUT, 'utf8'));
  if (events + lost !== all) throw new Error(`netfall counted ${events} and lost ${lost}`);
  return { observer: 'netfall', received: received('netfall', events), ...figures };
}

/** Its output goes to a file in memory, where its alerts are counted. */
async function underDropwatch(): Promise<Stretch> {
  const child = await start(['dropwatch', '-l', 'kas'], 'set alertmode packet\nstart\n');
  const figures = await warmStretch();
  child.kill('SIGINT');
  child.stdin!.end('exit\n');
  await ended(child);
  const alerts = readFileSync(OUTPUT, 'latin1').match(/^drop at: __udp4_lib_rcv\+/gm)?.length ?? 0;
  return { observer: 'dropwatch', received: received('dropwatch', alerts), ...figures };
}

function received(observer: string, alerts: number): number {
  if (alerts <= all && alerts >= all * LEAST_RECEIVED) return alerts;
  throw new Error(`${observer} received ${alerts} alerts of ${all}: run this alone, or at a lower --rate`);
}

/** Starts a program in the group, and waits until it runs the monitor. */
async function start(program: string[], input = ''): Promise<ChildProcess> {
  const output = openSync(OUTPUT, 'w');
  const script = 'echo 0 > "$0/cgroup.procs"; exec "$@"';
  const child = spawn('sh', ['-c', script, group, ...program], { stdio: ['pipe', output, 'inherit'] });
  closeSync(output);
  child.stdin!.write(input);
  while (!runs()) {
    if (child.exitCode !== null) throw new Error(`${program.join(' ')} ended with ${child.exitCode}`);
    await sleep(100);
  }
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null) await once(child, 'exit');
  if (child.exitCode !== 0)
    throw new Error(`${child.spawnfile} ended with ${child.signalCode ?? child.exitCode}`);
  if (runs()) monitor.stop('software');
}

function runs(): boolean {
  try {
    monitor.configure({});
    return false;
  } catch {
    return true;
  }
}

function groupUs(): number {
  return Number(/^usage_usec (\d+)$/m.exec(readFileSync(`${group}/cpu.stat`, 'latin1'))?.[1]);
}

/** Time in which the guest's one processor did not idle. */
function guestUs(): number {
  const [, ...fields] = readFileSync('/proc/stat', 'latin1').split('\n')[0]!.split(/\s+/);
  const [idle = 0, wait = 0] = fields.slice(3).map(Number);
  return performance.now() * 1000 - (idle + wait) * TICK_US;
}
