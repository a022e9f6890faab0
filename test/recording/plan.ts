/**
 * What a recording is made of: the hosts with their labels, and the faults with their times, all by a seed. Pure. It must
 * not know how either is made.
 */

export interface Host {
  readonly name: string;
  /** From 1 on. */
  readonly rack: number;
  /** Within the rack, from 1 on. */
  readonly place: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Datagrams a second to a closed port that it gets all the time. */
  readonly chronic: number;
}

export const FAULTS = [
  'rack-qdisc',
  'pool-filter',
  'stalled-reader',
  'host-cut',
  'no-listener',
  'rack-cut',
  'zone-limit',
] as const;
export type FaultName = (typeof FAULTS)[number];

export interface Fault {
  readonly id: string;
  readonly name: FaultName;
  readonly kind: 'drop' | 'silence';
  /** Seconds from the beginning of the recording. */
  readonly start: number;
  readonly end: number;
  readonly cause: { readonly attribute: string; readonly value: string };
  /** Whether a change of the cause is announced as it begins. */
  readonly announced: boolean;
  /** Those on which it shows, and how long after `start` it begins there. */
  readonly hosts: readonly { readonly host: Host; readonly after: number }[];
}

/** Numbers in [0, 1), the same for the same seed. */
export type Random = () => number;

/** A xorshift generator of 32 bits. */
export function randomFrom(seed: number): Random {
  let state = (seed * 0x9e37_79b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const RACKS = 4;
const POOLS = ['web', 'db', 'cache'] as const;
const IMAGES = ['os-12.1', 'os-12.2'] as const;

/** Hosts in four racks, two zones, three pools and two images, of which the latter two go across racks. */
export function planHosts(count: number): Host[] {
  const perRack = Math.ceil(count / RACKS);
  return Array.from({ length: count }, (_, i) => {
    const rack = Math.floor(i / perRack);
    const place = i % perRack;
    const pool = POOLS[(rack + place) % POOLS.length] ?? '';
    const image = IMAGES[(place + (rack >> 1)) % IMAGES.length] ?? '';
    return {
      name: `${pool}-${rack + 1}${place + 1}`,
      rack: rack + 1,
      place: place + 1,
      labels: { rack: `r${rack + 1}`, zone: rack < RACKS / 2 ? 'east' : 'west', pool, image },
      chronic: i === 1 ? 80 : i === count - 2 ? 20 : 0,
    };
  });
}

/** Faults of an hour: what, from which minute on, for how many minutes, and whether it is announced. */
const HOUR = [
  { name: 'rack-qdisc', at: 7, lasts: 2.5 },
  { name: 'pool-filter', at: 13, lasts: 2, announced: true },
  { name: 'stalled-reader', at: 18.5, lasts: 2 },
  { name: 'host-cut', at: 23.5, lasts: 2.5 },
  { name: 'no-listener', at: 31, lasts: 2 },
  { name: 'rack-cut', at: 35.5, lasts: 3 },
  { name: 'zone-limit', at: 42.5, lasts: 2 },
  { name: 'pool-filter', at: 47, lasts: 3 },
  { name: 'rack-qdisc', at: 47.7, lasts: 2.5 },
] as const satisfies readonly Scheduled[];

/** Three of them, close together. */
const SHORT = [
  { name: 'rack-qdisc', at: 0.75, lasts: 0.4 },
  { name: 'pool-filter', at: 1.25, lasts: 0.4, announced: true },
  { name: 'rack-cut', at: 1.75, lasts: 1 },
] as const satisfies readonly Scheduled[];

interface Scheduled {
  readonly name: FaultName;
  readonly at: number;
  readonly lasts: number;
  readonly announced?: boolean;
}

/** What a recording needs at least to have all the faults of an hour: what follows another has to be apart from it. */
const LEAST_FOR_ALL = 50;

/** The schedule for so many minutes: the hour's, closer together where there are fewer; three faults in a short one. */
export function planFaults(
  hosts: readonly Host[],
  minutes: number,
  random: Random,
  only?: readonly FaultName[],
): Fault[] {
  const short = minutes < LEAST_FOR_ALL;
  const scheduled: readonly Scheduled[] = only
    ? only.map((name, i) => ({ name, at: 0.4 + i * 0.6, lasts: 0.5 }))
    : short
      ? SHORT
      : HOUR.map((one) => ({ ...one, at: (one.at * minutes) / 60 }));
  // What was hit last is not hit again at once.
  const hit: string[] = [];
  return scheduled.map(({ name, at, lasts, announced = false }, i) => {
    const attribute = ATTRIBUTE[name];
    const values = [...new Set(hosts.map((host) => attributeOf(host, attribute)))].filter(
      (value) => !hit.slice(-2).includes(value) && !isChronic(hosts, attribute, value),
    );
    const value = values[Math.floor(random() * values.length)] ?? '';
    hit.push(value);
    const all = hosts.filter((host) => attributeOf(host, attribute) === value);
    // Among many there is one on which it does not show.
    const spared = !short && all.length > 4 ? all[Math.floor(random() * all.length)] : undefined;
    const start = at * 60 + (short || only ? 0 : random() * 20);
    return {
      id: `f${i + 1}`,
      name,
      kind: name === 'host-cut' || name === 'rack-cut' ? 'silence' : 'drop',
      start,
      end: start + lasts * 60,
      cause: { attribute, value },
      announced,
      hosts: all
        .filter((host) => host !== spared)
        // A cut is a cut; all else shows here a little sooner than there.
        .map((host) => ({ host, after: name.endsWith('-cut') ? 0 : random() * (short ? 2 : 6) })),
    };
  });
}

/** What the hosts of a fault have in common. */
const ATTRIBUTE: Readonly<Record<FaultName, string>> = {
  'rack-qdisc': 'rack',
  'pool-filter': 'pool',
  'stalled-reader': 'image',
  'host-cut': 'host',
  'no-listener': 'pool',
  'rack-cut': 'rack',
  'zone-limit': 'zone',
};

export function attributeOf(host: Host, attribute: string): string {
  return attribute === 'host' ? host.name : (host.labels[attribute] ?? '');
}

/** One host in trouble must not be one that always is. */
function isChronic(hosts: readonly Host[], attribute: string, value: string): boolean {
  return attribute === 'host' && hosts.some(({ name, chronic }) => name === value && chronic > 0);
}
