/**
 * Records what a small fleet on this machine says of its own kernel's drops while faults are made in it, and holds what is
 * found against them.
 *
 *   npm run record -- --out=DIR [--minutes=60] [--hosts=16] [--seed=1] [--faults=NAME,…]
 *
 * Needs root, iproute2, nftables, util-linux and nats-server. Everything that it makes is gone when it ends.
 */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startNatsServer } from '../nats-server.ts';
import { launcher, Netfall, run } from '../processes/netfall.ts';
import type { Truth } from './compare.ts';
import { deeds, type Stage } from './faults.ts';
import { HOME, Network } from './network.ts';
import {
  attributeOf,
  FAULTS,
  type Fault,
  type FaultName,
  type Host,
  planFaults,
  planHosts,
  randomFrom,
} from './plan.ts';
import { type Report, report } from './report.ts';
import { PORT } from './service.ts';

export interface RecordOptions {
  /** Where everything is written to. */
  readonly out: string;
  readonly minutes: number;
  readonly hosts: number;
  readonly seed: number;
  /** These faults, one after the other, instead of those of the schedule. */
  readonly faults?: readonly FaultName[];
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const CELL = 'recording';
/** Sooner than the log is purged for the first time. */
const WRITTEN_EVERY_S = 300;

/** Writes events.ndjson, truth.json, live.json (what the collector said), report.json and report.md. */
export async function record(options: RecordOptions): Promise<Report> {
  await makeRecording(options);
  return report(options.out);
}

async function makeRecording(options: RecordOptions): Promise<void> {
  const { out, minutes, seed, say, signal } = options;
  mkdirSync(out, { recursive: true });
  // What an earlier fleet said would be taken for this one's.
  if (readdirSync(out).length > 0) throw new Error(`${out} is not empty: name another folder`);
  const random = randomFrom(seed);
  const hosts = planHosts(options.hosts);
  const faults = planFaults(hosts, minutes, random, options.faults);
  await using stack = new AsyncDisposableStack();
  const network = stack.use(new Network(hosts));
  const nats = await startNatsServer({ dir: join(out, 'nats'), host: HOME, syncAlways: false });
  stack.defer(() => nats.stop());
  const where = { log: { nats: { servers: [`${HOME}:${nats.port}`] } } };

  const services = new Map<Host, Netfall>();
  for (const host of hosts) {
    const service = inNamespace(
      network,
      host,
      process.execPath,
      join(import.meta.dirname, 'service.ts'),
      Network.address(host),
    );
    stack.defer(async () => void (await service.kill('SIGKILL')));
    services.set(host, service);
  }
  await Promise.all([...services.values()].map((service) => service.line(/^ready$/, 120_000)));
  const stage: Stage = {
    network,
    hosts,
    tell: (host, command) => services.get(host)?.say(JSON.stringify(command)),
  };
  for (const host of hosts) liveEveryday(stage, host);
  say(`${hosts.length} hosts talk to each other`);

  const collectorFile = join(out, 'collector.yaml');
  writeFileSync(
    collectorFile,
    JSON.stringify({ cell: CELL, data: join(out, 'collector'), listen: '127.0.0.1:0', ...where }),
  );
  const collector = start(stack, out, 'collector', new Netfall(['collector', '--config', collectorFile]));
  const [, url = ''] = await collector.line(/answers at (http:[^\s"]+)/, 60_000);
  for (const host of hosts) {
    const file = join(out, `${host.name}.yaml`);
    writeFileSync(
      file,
      JSON.stringify({ ...agentConfig(host), ...where, data: join(out, 'agents', host.name) }),
    );
    start(stack, out, host.name, startAgent(network, host, file));
    // Starting is what costs an agent most.
    await sleep(500, undefined, { signal });
  }
  const startUs = Date.now() * 1000;
  say(`agents are started; the collector is at ${url}, and listens for ${minutes} minutes`);

  const log = new LogFile(join(out, 'events.ndjson'), collectorFile);
  await act(stage, faults, { url, log, endS: minutes * 60, ...options });
  const endUs = Date.now() * 1000;
  const truth = truthOf(options, hosts, faults, startUs, endUs);
  writeFileSync(join(out, 'truth.json'), `${JSON.stringify(truth, null, 1)}\n`);
  const { sequence, incidents } = await told(url);
  writeFileSync(join(out, 'live.json'), incidents);
  await log.write(sequence);
}

/** What the collector says, and up to which entry of the log it had read when it said so. */
async function told(url: string): Promise<{ readonly sequence: number; readonly incidents: string }> {
  const read = async () => ((await (await fetch(`${url}/readyz`)).json()) as { sequence: number }).sequence;
  for (;;) {
    const sequence = await read();
    const incidents = await (await fetch(`${url}/api/v1/incidents?limit=1000`)).text();
    if ((await read()) === sequence) return { sequence, incidents };
  }
}

/** The log as a file, written piece by piece: a log is purged of what collectors' snapshots hold already. */
class LogFile {
  readonly #file: string;
  readonly #config: string;
  #next = 1;

  constructor(file: string, config: string) {
    this.#file = file;
    this.#config = config;
    writeFileSync(file, '');
  }

  /** Appends what has come, up to a place. */
  async write(to?: number): Promise<void> {
    const range = ['--from', String(this.#next), ...(to === undefined ? [] : ['--to', String(to)])];
    const { code, stdout, stderr } = await run('export', '--config', this.#config, ...range);
    if (code !== 0) throw new Error(`netfall export ended with ${code}: ${stderr}`);
    appendFileSync(this.#file, stdout);
    this.#next += stdout.split('\n').length - 1;
  }
}

function inNamespace(network: Network, host: Host, ...command: readonly string[]): Netfall {
  return new Netfall(['netns', 'exec', network.namespace(host), ...command], { command: 'ip' });
}

/**
 * An agent as in a container with a name, processes and mounts of its own: it sees no other host's processes, and no
 * namespaces but its own.
 */
function startAgent(network: Network, host: Host, file: string): Netfall {
  const script = 'hostname "$1" && mount -t tmpfs none /run/netns && exec "$2" agent --config "$3"';
  const own = ['unshare', '--uts', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  return inNamespace(network, host, ...own, 'sh', '-c', script, 'sh', host.name, launcher, file);
}

/** Keeps what a process says in a file of its own. */
function start(stack: AsyncDisposableStack, out: string, name: string, netfall: Netfall): Netfall {
  stack.defer(async () => {
    await netfall.kill('SIGKILL');
    writeFileSync(join(out, `${name}.log`), netfall.stdout + netfall.stderr);
  });
  return netfall;
}

function agentConfig({ labels }: Host): object {
  const off = { enabled: false };
  return {
    cell: CELL,
    labels,
    sources: {
      'kfree-skb': { namespaces: 'own' },
      'drop-monitor': off,
      // There is one kernel under all of them.
      ...{ kmsg: off, pstore: off, 'vmcore-dmesg': off },
    },
  };
}

/** A few datagrams and connections to others, and what some hosts drop all the time. */
function liveEveryday({ hosts, tell }: Stage, host: Host): void {
  const at = hosts.indexOf(host);
  const peer = (distance: number) => Network.address(hosts[(at + distance) % hosts.length]!);
  tell(host, {
    do: 'send',
    id: 'ask',
    to: [peer(1), peer(3), peer(5)],
    port: PORT.echo,
    rate: 4,
    bytes: 120,
  });
  tell(host, { do: 'send', id: 'ingest', to: [peer(2), peer(7)], port: PORT.ingest, rate: 2, bytes: 300 });
  tell(host, { do: 'talk', to: [peer(4), peer(6)] });
  for (const [i, victim] of hosts.entries()) {
    if (victim.chronic === 0 || (i + 1) % hosts.length !== at) continue;
    const to = [Network.address(victim)];
    tell(host, { do: 'send', id: 'scan', to, port: PORT.closed, rate: victim.chronic, bytes: 40 });
  }
}

interface Act extends RecordOptions {
  readonly url: string;
  readonly log: LogFile;
  readonly endS: number;
}

/** Makes and mends the faults at their times, and tells of incidents as they come. */
async function act(
  stage: Stage,
  faults: readonly Fault[],
  { url, log, endS, say, signal }: Act,
): Promise<void> {
  const steps: { readonly at: number; readonly run: () => unknown }[] = [];
  for (const fault of faults) {
    const { name, cause, start, end } = fault;
    const what = `${fault.id} ${name} ${cause.attribute}=${cause.value}`;
    steps.push(
      { at: start, run: () => say(`begins: ${what}`) },
      { at: end, run: () => say(`ends: ${what}`) },
    );
    if (fault.announced) steps.push({ at: start, run: () => announce(url, fault) });
    for (const { host, after } of fault.hosts) {
      steps.push({ at: start + after, run: () => deeds[name].begin(stage, fault, host) });
      steps.push({ at: end, run: () => deeds[name].end(stage, fault, host) });
    }
  }
  for (let at = WRITTEN_EVERY_S; at < endS; at += WRITTEN_EVERY_S) steps.push({ at, run: () => log.write() });
  steps.sort((a, b) => a.at - b.at);
  const begun = performance.now();
  const shown = new Map<string, string>();
  for (let now = 0; now < endS; now = (performance.now() - begun) / 1000) {
    while (steps[0] && steps[0].at <= now) await steps.shift()?.run();
    await tellIncidents(url, shown, say);
    const next = Math.min(steps[0]?.at ?? endS, endS, now + 5);
    await sleep(Math.max(0, next * 1000 - (performance.now() - begun)), undefined, { signal });
  }
}

async function announce(url: string, { id, cause: { attribute, value } }: Fault): Promise<void> {
  const body = JSON.stringify({
    id,
    summary: `${value} v2.31`,
    attributes: { [attribute]: value },
    by: 'ci',
  });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/api/v1/changes`, { method: 'POST', body, headers });
  if (!answer.ok) throw new Error(`the collector answers ${answer.status}: ${await answer.text()}`);
}

async function tellIncidents(
  url: string,
  shown: Map<string, string>,
  say: (line: string) => void,
): Promise<void> {
  const { incidents } = (await (await fetch(`${url}/api/v1/incidents`)).json()) as {
    incidents: { id: string; state: string; title: string }[];
  };
  for (const { id, state, title } of incidents) {
    const line = `${id} ${state}: ${title}`;
    if (shown.get(id) !== line) say(`  ${line}`);
    shown.set(id, line);
  }
}

/** In the form of a simulation's, as far as it is known here. */
function truthOf(
  { minutes, seed }: RecordOptions,
  hosts: readonly Host[],
  faults: readonly Fault[],
  start: number,
  end: number,
): Truth {
  return {
    ...{ scenario: 'recording', seed, minutes, hosts: hosts.length, cell: CELL, start, end },
    incidents: faults.map((fault) => {
      const { id, name, kind, announced, cause } = fault;
      const at = (seconds: number) => Math.round(start + seconds * 1e6);
      return {
        ...{ id, name, kind, announced },
        start: at(fault.start + Math.min(...fault.hosts.map(({ after }) => after))),
        end: at(fault.end),
        cause: [cause],
        extent: hosts.filter((host) => attributeOf(host, cause.attribute) === cause.value).length,
        hosts: fault.hosts.map(({ host }) => host.name).sort(),
        onsets: Object.fromEntries(
          fault.hosts.map(({ host, after }) => [host.name, at(fault.start + after)]),
        ),
      };
    }),
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      minutes: { type: 'string', default: '60' },
      hosts: { type: 'string', default: '16' },
      seed: { type: 'string', default: '1' },
      faults: { type: 'string' },
    },
  });
  if (values.out === undefined) throw new Error('say where to write to: --out=DIR');
  const faults = values.faults?.split(',').map((name) => {
    const known = FAULTS.find((fault) => fault === name);
    if (!known) throw new Error(`--faults knows no ${name}: name some of ${FAULTS.join(', ')}`);
    return known;
  });
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const begun = performance.now();
  const options: RecordOptions = {
    out: values.out,
    minutes: Number(values.minutes),
    hosts: Number(values.hosts),
    seed: Number(values.seed),
    ...(faults && { faults }),
    signal: stop.signal,
    say: (line) => {
      const seconds = Math.floor((performance.now() - begun) / 1000);
      process.stderr.write(`${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} ${line}\n`);
    },
  };
  try {
    await record(options);
    process.stdout.write(readFileSync(join(options.out, 'report.md'), 'utf8'));
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.exitCode = 1;
  }
}
