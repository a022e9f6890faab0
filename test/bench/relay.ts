/**
 * What the relay takes of what a fleet in trouble sends, at what price, and what it holds under a million forged addresses.
 *
 *   npm run bench -- relay [--rates=50000,150000,300000] [--seconds=10] [--rounds=2] [--release=DIR] [--json]
 *
 * An agent as released (`release` is an unpacked one; without, one is built) listens for netoops and netconsole and reports to a
 * JetStream server of its own. At each rate, in turns with a plain node:dgram receiver that looks at nothing, it is sent netoops
 * dumps and extended netconsole, mixed, from 1000 hosts. What was received is what the kernel did not drop at the sockets, by
 * the kernel's own count. Then a new one is sent as many datagrams as there are forged addresses, while two hosts die, one of them
 * known to it. Last, with a collector beside it, how long a dump's first datagram takes to the API. Run it alone; sender and receiver want a processor each.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openJetStreamLog } from '../../log/index.ts';
import { type CrashReport, cellSubjects, decodeEntry, streamName } from '../../proto/index.ts';
import { type CrashFloodOptions, crashFlood } from '../load/crash-flood.ts';
import { kernelLog } from '../load/kernel-log.ts';
import { netoopsDatagrams, segmentsOf } from '../load/netoops.ts';
import { processSeconds, residentMb } from '../load/process-time.ts';
import { findNatsServer, NATS_SERVER_MISSING, startNatsServer } from '../nats-server.ts';
import { Netfall } from '../processes/netfall.ts';
import { buildRelease } from '../processes/release.ts';
import { sendFrom } from './relay-hosts.ts';
import { measured, type Options, type Result, unmeasured } from './result.ts';

const HOSTS = 1000;
const FORGED = 1_000_000;
const FORGED_RATE = 100_000;
const KNOWN = '127.7.7.7';
const STRANGER = '127.8.8.8';
/** Of the hosts that die: a kernel's log as it often is. */
const LOG_BYTES = 256 * 1024 - 300;
const GOAL_RATE = 150_000;
/** What an agent does once, at its start, is over by then. */
const SETTLE_MS = 5000;

const RECEIVED = '>=0.99';
const FORGED_GOALS = [
  ['resident_mb_with_a_million_forged_senders', '<=150'],
  ['known_host_complete_meanwhile', '=1'],
] as const;

const WITNESS = ['first_datagram_to_api_s_p95', '<=1'] as const;
const WITNESSES = 40;

export async function run(options: Options): Promise<Result[]> {
  if (!findNatsServer()) {
    const goals = [[`received_at_${GOAL_RATE}`, RECEIVED], ...FORGED_GOALS, WITNESS] as const;
    return goals.map(([metric, goal]) => unmeasured(metric, goal, NATS_SERVER_MISSING));
  }
  const rates = String(options['rates'] ?? '50000,150000,300000')
    .split(',')
    .map(Number);
  const seconds = Number(options['seconds'] ?? 10);
  const rounds = Number(options['rounds'] ?? 2);
  if (![...rates, seconds, rounds].every((value) => value > 0))
    throw new RangeError('rates, seconds and rounds are above 0');
  const dir = mkdtempSync(join(tmpdir(), 'netfall-bench-'));
  const nats = await startNatsServer({ dir: join(dir, 'nats'), syncAlways: false });
  try {
    const release = options['release'] ?? (await buildRelease(dir));
    const ports = { netoopsPort: 12_004, netconsolePort: 16_666 };
    const start = async (name: string): Promise<Netfall> => {
      const config = join(dir, `${name}.yaml`);
      const { netoopsPort, netconsolePort } = ports;
      writeFileSync(
        config,
        JSON.stringify({
          ...{ host_id: name, data: join(dir, name), log: { nats: { servers: [`127.0.0.1:${nats.port}`] } } },
          sources: {
            netoops: { enabled: true, listen: `127.0.0.1:${netoopsPort}`, known: [KNOWN] },
            netconsole: { enabled: true, listen: `127.0.0.1:${netconsolePort}` },
          },
        }),
      );
      const agent = new Netfall(['agent', '--config', config], { command: `${release}/bin/netfall` });
      await agent.line(/reports to cell/);
      await sleep(SETTLE_MS);
      return agent;
    };
    const results = await fleet(await start('fleet'), ports, rates, seconds, rounds);
    // What the load before left of memory is no matter of what strangers can make it grow to.
    results.push(...(await flooded(await start('flooded'), nats.port, ports)));
    const config = join(dir, 'collector.yaml');
    writeFileSync(
      config,
      JSON.stringify({
        ...{ data: join(dir, 'collector'), listen: '127.0.0.1:0' },
        log: { nats: { servers: [`127.0.0.1:${nats.port}`] } },
      }),
    );
    const collector = new Netfall(['collector', '--config', config], { command: `${release}/bin/netfall` });
    return [...results, await witnessed(await start('witness'), collector, ports)];
  } finally {
    await nats.stop();
    rmSync(dir, { recursive: true });
  }
}

interface Ports {
  readonly netoopsPort: number;
  readonly netconsolePort: number;
}

interface Receiver {
  readonly pid: number;
  readonly ports: Ports;
}

/** At each rate, the relay and a plain receiver in turns. */
async function fleet(
  agent: Netfall,
  ports: Ports,
  rates: readonly number[],
  seconds: number,
  rounds: number,
): Promise<Result[]> {
  const plain = new Netfall([], { program: join(import.meta.dirname, 'relay-plain.ts') });
  try {
    const [, netoopsPort, netconsolePort] = (await plain.line(/^(\d+) (\d+)$/)).map(Number);
    const receivers = {
      relay: { pid: agent.pid, ports },
      plain: { pid: plain.pid, ports: { netoopsPort: netoopsPort!, netconsolePort: netconsolePort! } },
    };
    const results: Result[] = [];
    for (const rate of rates) results.push(...(await compare(receivers, rate, seconds, rounds)));
    return [...results, { metric: 'resident_mb_after_the_fleet', value: residentMb(agent.pid) }];
  } finally {
    await plain.kill();
    await agent.kill();
  }
}

interface Measured {
  /** Of what was sent. */
  readonly received: number;
  readonly cpuPerDatagram: number;
  /** Of what was wanted. */
  readonly rate: number;
}

async function compare(
  { relay, plain }: { readonly relay: Receiver; readonly plain: Receiver },
  rate: number,
  seconds: number,
  rounds: number,
): Promise<Result[]> {
  const [ours, theirs]: [Measured[], Measured[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(await receive(relay, rate, seconds));
    theirs.push(await receive(plain, rate, seconds));
  }
  const median = (list: readonly Measured[], of: keyof Measured) => {
    const sorted = list.map((each) => each[of]).sort((a, b) => a - b);
    return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
  };
  const received = median(ours, 'received');
  return [
    rate === GOAL_RATE
      ? measured(`received_at_${rate}`, received, RECEIVED)
      : { metric: `received_at_${rate}`, value: received },
    { metric: `received_at_${rate}_by_node_dgram`, value: median(theirs, 'received') },
    {
      metric: `cpu_per_datagram_vs_node_dgram_at_${rate}`,
      value: median(ours, 'cpuPerDatagram') / median(theirs, 'cpuPerDatagram'),
    },
    { metric: `sent_vs_wanted_at_${rate}`, value: median([...ours, ...theirs], 'rate') },
  ];
}

async function receive({ pid, ports }: Receiver, rate: number, seconds: number): Promise<Measured> {
  const list = Object.values(ports);
  const [dropsBefore, cpuBefore] = [dropsOf(list), processSeconds(pid)];
  const options: CrashFloodOptions = { ...ports, count: Math.round(rate * seconds), rate, senders: HOSTS };
  const { sent, seconds: took } = await crashFlood(options).done;
  // What is queued is still to be read, and what was read is to be worked through.
  await sleep(1500);
  const drops = dropsOf(list) - dropsBefore;
  const cpu = processSeconds(pid) - cpuBefore;
  return { received: 1 - drops / sent, cpuPerDatagram: cpu / (sent - drops), rate: sent / took / rate };
}

/** Datagrams that the kernel dropped at the sockets of these ports since they were opened. */
function dropsOf(ports: readonly number[]): number {
  let drops = 0;
  for (const file of ['/proc/net/udp', '/proc/net/udp6']) {
    for (const line of readFileSync(file, 'latin1').trim().split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const port = Number.parseInt(fields[1]?.split(':').at(-1) ?? '', 16);
      if (ports.includes(port)) drops += Number(fields.at(-1));
    }
  }
  return drops;
}

/** A million forged addresses, while two hosts die. */
async function flooded(agent: Netfall, natsPort: number, ports: Ports): Promise<Result[]> {
  const { pid } = agent;
  const log = kernelLog(7, LOG_BYTES);
  const format = { version: 2 } as const;
  const dump = netoopsDatagrams({ segments: segmentsOf(log, 0), kernelVersion: '6.1.0', seconds: 7, format });
  let mostMb = residentMb(pid);
  const watch = setInterval(() => {
    mostMb = Math.max(mostMb, residentMb(pid));
  }, 200);
  try {
    const flood = crashFlood({ ...ports, count: 2 * FORGED, rate: FORGED_RATE, spoofed: FORGED });
    await sleep(5000);
    await Promise.all([KNOWN, STRANGER].map((host) => sendFrom(host, ports.netoopsPort, dump)));
    await flood.done;
    await sleep(15_000);
  } finally {
    clearInterval(watch);
    await agent.kill();
  }
  const digest = createHash('sha256').update(log).digest('hex');
  const reports = await reportsIn(natsPort);
  const isComplete = (host: string) =>
    Number(reports.some(({ witness, digest: of }) => witness?.sender === host && of === digest));
  const [[mb, mbGoal], [known, knownGoal]] = FORGED_GOALS;
  return [
    measured(mb, mostMb, mbGoal),
    measured(known, isComplete(KNOWN), knownGoal),
    { metric: 'unknown_host_complete_meanwhile', value: isComplete(STRANGER) },
  ];
}

/** How long it takes from a dump's first datagram until the collector's API tells of the crash. */
async function witnessed(agent: Netfall, collector: Netfall, { netoopsPort }: Ports): Promise<Result> {
  const [metric, goal] = WITNESS;
  try {
    const [, url] = await collector.line(/(http:\/\/[^\s"]+)/, 60_000);
    await sleep(SETTLE_MS);
    const took: number[] = [];
    for (let i = 0; i < WITNESSES; i++) {
      const host = `127.9.0.${i + 1}`;
      const log = kernelLog(i, 64 * 1024 - 300);
      const dump = {
        segments: segmentsOf(log, 0),
        kernelVersion: '6.1.0',
        seconds: i,
        format: { version: 2 },
      } as const;
      const sentMs = performance.now();
      await sendFrom(host, netoopsPort, netoopsDatagrams(dump).slice(0, 1));
      for (;;) {
        const response = await fetch(`${url}/api/v1/crashes`);
        const { crashes } = (await response.json()) as { crashes: { records: { sender: string }[] }[] };
        if (crashes.some(({ records }) => records.some(({ sender }) => sender === host))) break;
        if (performance.now() - sentMs > 20_000) throw new Error(`no crash of ${host} after 20 s`);
        await sleep(5);
      }
      took.push((performance.now() - sentMs) / 1000);
      await sleep(137 * (1 + (i % 9)));
    }
    took.sort((a, b) => a - b);
    return measured(metric, took[Math.ceil(took.length * 0.95) - 1] ?? Number.POSITIVE_INFINITY, goal);
  } finally {
    await agent.kill();
    await collector.kill();
  }
}

/** All reports of crashes that stand in the log. */
async function reportsIn(natsPort: number): Promise<CrashReport[]> {
  const log = await openJetStreamLog({
    servers: [`127.0.0.1:${natsPort}`],
    stream: streamName('default'),
    subjects: [cellSubjects('default')],
  });
  try {
    const { first, last } = await log.info();
    const reports: CrashReport[] = [];
    if (last < first) return reports;
    for await (const batch of log.read({ from: first, signal: AbortSignal.timeout(60_000) })) {
      for (const { data } of batch) {
        for (const { crash_report } of decodeEntry(data).envelope?.items ?? [])
          if (crash_report) reports.push(crash_report);
      }
      if ((batch.at(-1)?.sequence ?? 0) >= last) break;
    }
    return reports;
  } finally {
    await log.close();
  }
}
