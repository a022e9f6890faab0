/**
 * For tests: a fleet as a timeline tells of it, a second at a time: hosts that drop packets, die, fall silent and come back,
 * and what their agents say meanwhile. Must not know what anybody makes of that.
 */
import { signatureOf } from '@netfall/crash';
import type { CrashReading, DropSample, Inventory, Item } from '@netfall/proto';
import { anInventory, aReading, aReport } from './crash-items.ts';
import { aSample, type Report, START_US } from './story.ts';

/** Agents report this often at rest, every second in trouble, and so long after trouble ended. */
const REST_S = 10;
const HURRY_S = 30;
/** A started agent's first message comes after this long. */
const FIRST_S = 2;
/** When the fleet was first heard of: long enough ago to be known when a story begins. One message tells of all until then. */
export const KNOWN_S = -660;
/** Messages of a backlog that are sent in a second. */
const REPLAYED_A_SECOND = 20;
/** Agents send a few packets of a kind as samples. */
const SAMPLES = 3;
/** How long after its first sign a crash is reported. */
const REPORT_S = 5;
/** A netdev's driver, which firmware is told with. */
const DRIVER = 'mlx5_core';

/** Packets of one kind that a host drops. */
interface Drops {
  readonly rate: number;
  /** Whom they are for; empty when samples do not tell. */
  readonly towards: string;
}

export interface SimHost {
  readonly id: string;
  readonly index: number;
  readonly address: string;
  /** As the fold knows them. */
  readonly attributes: Map<string, string>;
  isUp: boolean;
  /** Whether its messages wait for a network. */
  isCutOff: boolean;
  /** By how much its clock is ahead, s; how late every so many-th of its messages comes, s; and whether they come twice. */
  clockS: number;
  delayS: number;
  delayEvery: number;
  isDoubled: boolean;
  incarnation: number;
  seq: number;
  bootS: number;
  /** Times its everyday traffic, and the drops that go with it. */
  load: number;
  readonly usual: Map<string, number>;
  readonly drops: Map<string, Drops>;
  readonly counters: Map<string, number>;
  /** Of the open window: when it began, events by signal or counter, and what else is to be told. */
  sinceS: number;
  events: Map<string, number>;
  counted: Map<string, number>;
  items: Item[];
  dueS: number;
  hurriedUntilS: number;
  /** What it has of crashes that nobody heard. */
  pstore: Item[];
}

/** A message on its way. */
export interface Message {
  readonly host: string;
  readonly sealedS: number;
  readonly atS: number;
  readonly report: Report;
}

export class Fleet {
  readonly hosts: SimHost[] = [];
  #waiting: Message[] = [];
  #records = 0;
  readonly #agenda = new Map<number, (() => void)[]>();

  add(id: string, attributes: ReadonlyMap<string, string>): void {
    const index = this.hosts.length;
    this.hosts.push({
      ...{ id, index, attributes: new Map(attributes) },
      address: `10.0.${(index + 1) >> 8}.${(index + 1) & 255}`,
      ...{
        isUp: true,
        isCutOff: false,
        clockS: 0,
        delayS: 0,
        delayEvery: 1,
        isDoubled: false,
        incarnation: 1,
        seq: 0,
      },
      ...{ bootS: -1000 * (index + 1), load: 1, usual: new Map(), drops: new Map(), counters: new Map() },
      ...{ sinceS: KNOWN_S - 1, events: new Map(), counted: new Map(), items: [], dueS: KNOWN_S },
      ...{ hurriedUntilS: -1, pstore: [] },
    });
    this.#tellInventory(this.#get(id));
  }

  /** Has something done at a later second, before hosts speak. */
  later(atS: number, act: () => void): void {
    this.#agenda.set(atS, [...(this.#agenda.get(atS) ?? []), act]);
  }

  drop(host: SimHost, nowS: number, signal: string, rate: number, towards = ''): void {
    host.drops.set(signal, { rate, towards });
    this.#hurry(host, nowS);
  }

  lose(host: SimHost, nowS: number, counter: string, rate: number): void {
    host.counters.set(counter, rate);
    this.#hurry(host, nowS);
  }

  /** @param signal what it recovers from; everything unless said */
  recover(host: SimHost, nowS: number, signal?: string): void {
    if (signal === undefined) {
      host.drops.clear();
      host.counters.clear();
    } else if (!host.drops.delete(signal)) host.counters.delete(signal);
    this.#hurry(host, nowS);
  }

  /** The host stands still: nothing is counted, nothing is said. */
  stop(host: SimHost): void {
    host.isUp = false;
  }

  start(host: SimHost, nowS: number): void {
    Object.assign(host, { isUp: true, sinceS: nowS, events: new Map(), counted: new Map() });
    host.dueS = nowS + 1;
  }

  /** Says that it stops, and does. */
  goodbye(host: SimHost, nowS: number): void {
    host.items.push({ goodbye: { reason: 'SIGTERM' } });
    this.#seal(host, nowS);
    this.stop(host);
  }

  /** @param hasPstore whether its firmware kept what it died of */
  boot(host: SimHost, nowS: number, hasPstore: boolean): void {
    this.start(host, nowS);
    host.dueS = nowS + FIRST_S;
    host.bootS = nowS;
    host.drops.clear();
    if (hasPstore) host.items.push(...host.pstore);
    host.pstore = [];
    this.#tellInventory(host);
  }

  cutOff(host: SimHost): void {
    host.isCutOff = true;
  }

  /** Sends what it could not send. */
  reconnect(host: SimHost, nowS: number): void {
    host.isCutOff = false;
    let place = 0;
    this.#waiting = this.#waiting.map((message) => {
      if (message.host !== host.id || message.atS !== Number.POSITIVE_INFINITY) return message;
      return { ...message, atS: nowS + Math.floor(place++ / REPLAYED_A_SECOND) };
    });
    host.dueS = nowS + Math.ceil(place / REPLAYED_A_SECOND);
  }

  loseSpool(host: SimHost): void {
    host.incarnation++;
    host.seq = 0;
  }

  come(host: SimHost, nowS: number, attribute: string, value: string): void {
    host.attributes.set(attribute, value);
    this.#tellInventory(host);
    host.dueS = Math.min(host.dueS, nowS + 1);
  }

  /**
   * A kernel dies; relays that hear of it say so, and the host's own pstore keeps it.
   * @param title what its log is read as; null where nobody reads it
   */
  crash(host: SimHost, nowS: number, title: string | null, relays: readonly SimHost[]): void {
    this.stop(host);
    const line = 'Kernel panic - not syncing: Fatal exception';
    // No two kernels die at the same microsecond of their lives.
    const uptime_us = (nowS - host.bootS) * 1_000_000 + ++this.#records;
    const about = { kernel: host.attributes.get('kernel') ?? '', kind: 'panic', line, uptime_us };
    const read = {
      digest: digestOf(this.#records),
      ...(title === null ? {} : { reading: readingOf(title), parser_version: 1 }),
    };
    const record = `r${this.#records}`;
    const kept = { record, source: 'pstore', sender: '', first_us: timeUs(nowS + host.clockS), ...about };
    host.pstore.push({ crash_report: aReport(kept, read) });
    for (const relay of relays) {
      const first_us = timeUs(nowS + relay.clockS);
      const heard = { record, source: 'netconsole', sender: host.address, first_us, ...about };
      const report = aReport(heard, read);
      this.#tell(relay, nowS, { crash_witness: report.witness ?? null });
      this.later(nowS + REPORT_S, () => this.#tell(relay, nowS + REPORT_S, { crash_report: report }));
    }
  }

  /** Goes on to a second. Returns what reaches the log by then, in order of time; nothing while the log is away. */
  pass(nowS: number, isLogAway: boolean): readonly Message[] {
    for (const act of this.#agenda.get(nowS) ?? []) act();
    this.#agenda.delete(nowS);
    for (const host of this.hosts) {
      if (host.isUp && nowS >= host.dueS) this.#seal(host, nowS);
    }
    if (isLogAway) return [];
    const due = this.#waiting.filter(({ atS }) => atS <= nowS);
    this.#waiting = this.#waiting.filter(({ atS }) => atS > nowS);
    return due.sort((a, b) => a.atS - b.atS);
  }

  /** Time goes by. */
  count(seconds: number): void {
    for (const host of this.hosts) {
      if (!host.isUp) continue;
      for (const [signal, rate] of host.usual) add(host.events, signal, rate * host.load * seconds);
      for (const [signal, { rate }] of host.drops) add(host.events, signal, rate * seconds);
      for (const [counter, rate] of host.counters) add(host.counted, counter, rate * seconds);
    }
  }

  #get(id: string): SimHost {
    return this.hosts.find((host) => host.id === id) as SimHost;
  }

  #hurry(host: SimHost, nowS: number): void {
    host.hurriedUntilS = nowS + HURRY_S;
    host.dueS = Math.min(host.dueS, nowS + 1);
  }

  #tell(host: SimHost, nowS: number, item: Item): void {
    host.items.push(item);
    host.dueS = Math.min(host.dueS, nowS);
  }

  #tellInventory(host: SimHost): void {
    host.items.push({ inventory: inventoryOf(host) });
  }

  #seal(host: SimHost, nowS: number): void {
    const windowS = Math.max(1, nowS - host.sinceS);
    const isFast = !host.isCutOff && (host.drops.size + host.counters.size > 0 || nowS < host.hurriedUntilS);
    const counters = Array.from(host.counted, ([name, delta]) => {
      return { name, interface: 'eth0', delta, namespace: '' };
    });
    const window_us = windowS * 1_000_000;
    const counted = { counter_report: { window_us, counters, audit: null, sockets: [] } };
    const report: Report = {
      windowS,
      drops: Object.fromEntries(Array.from(host.events, ([signal, events]) => [signal, events / windowS])),
      traffic: 1000 * host.load,
      samples: [...host.drops].flatMap(([signal, { towards }]) => this.#samples(signal, towards)),
      items: [...host.items, counted],
      incarnation: String(host.incarnation).padStart(4, '0'),
      seq: ++host.seq,
      intervalMs: (nowS < 0 ? -nowS : REST_S) * 1000,
      clockS: host.clockS,
    };
    const delayS = host.seq % host.delayEvery === 0 ? host.delayS : 0;
    const atS = host.isCutOff ? Number.POSITIVE_INFINITY : nowS + delayS;
    const message = { host: host.id, sealedS: nowS, atS, report };
    this.#waiting.push(message);
    if (host.isDoubled) this.#waiting.push(message);
    Object.assign(host, { sinceS: nowS, events: new Map(), counted: new Map(), items: [] });
    // At rest hosts take turns.
    const turn = nowS === FIRST_S ? host.index % REST_S : 0;
    host.dueS = nowS < 0 ? FIRST_S : nowS + (isFast ? 1 : REST_S - turn);
  }

  #samples(signal: string, towards: string): readonly DropSample[] {
    if (towards === '') return [];
    const flow = {
      ...{ source: '10.99.0.1', destination: this.#get(towards).address, protocol: 'TCP' },
      ...{ source_port: 40_000, destination_port: 443, vlans: [], tunnel_id: 0, detail: '' },
    };
    return Array.from({ length: SAMPLES }, () => aSample(signal, { flows: [flow] }));
  }
}

function readingOf(title: string): CrashReading {
  const bug = `crash in ${title}`;
  const signature = signatureOf({ bug, guilty: null, frames: [] });
  return aReading({ title, alternates: [], bug, signature });
}

function add(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function digestOf(record: number): string {
  return record.toString(16).padStart(64, '0');
}

function timeUs(atS: number): number {
  return START_US + Math.round(atS * 1_000_000);
}

/** An attribute's value as the fold has it. */
export function factOf(attribute: string, value: string): string {
  return attribute === 'firmware' ? `${DRIVER} ${value}` : value;
}

/** Attributes that inventories have a field for; all others are labels. */
const FIELDS = ['kernel', 'image', 'vendor', 'product', 'cpu', 'microcode', 'gateway_mac', 'subnet'] as const;

function inventoryOf({ id, address, attributes }: SimHost): Inventory {
  const named: Partial<Record<(typeof FIELDS)[number], string>> = {};
  for (const field of FIELDS) named[field] = attributes.get(field) ?? '';
  const firmware = attributes.get('firmware')?.slice(DRIVER.length + 1);
  const nic = { name: 'eth0', driver: DRIVER, driver_version: '', firmware: firmware ?? '', speed_mbps: 0 };
  const labels = [...attributes].filter(
    ([key]) => key !== 'firmware' && !FIELDS.some((field) => field === key),
  );
  return anInventory({
    ...named,
    hostname: id,
    addresses: [address],
    nics: firmware === undefined ? [] : [nic],
    labels: labels.map(([key, value]) => ({ key, value })),
  });
}
