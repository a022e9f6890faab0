import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkEntry, LIMITS } from './check.ts';
import type {
  Change,
  Claim,
  Command,
  CrashFrame,
  CrashReading,
  CrashReport,
  CrashWitness,
  Delivered,
  Drop,
  DropReport,
  DropSample,
  Entry,
  Envelope,
  Epoch,
  Flow,
  Heartbeat,
  Inventory,
  Silence,
  StoredReading,
} from './gen/types.ts';
import { anyEntry } from './testing/arbitrary.ts';
import { exampleEntries, exampleEnvelope } from './testing/examples.ts';

const MOST = Number.MAX_SAFE_INTEGER;
const long = 'x'.repeat(LIMITS.string + 1);
const fits = 'x'.repeat(LIMITS.string);
const HOST = 'netfall.c.host.h';

const base: Envelope = {
  cell: 'c',
  host_id: 'h',
  incarnation: 'i',
  seq: 5,
  oldest_seq: 5,
  boot_id: '',
  observed_us: 0,
  items: [],
  losses: [],
};
const inventory = (exampleEnvelope.items[0]?.inventory ?? null) as Inventory;
const heartbeat: Heartbeat = {
  agent_version: '',
  interval_ms: 1,
  sources: [],
  spool_messages: 0,
  spool_bytes: 0,
};
const source = { name: 's', state: 1, detail: '', mend: '' };
const drop: Drop = {
  reason: 'R',
  function: '',
  offset: 0,
  module: '',
  protocol: '',
  origin: 0,
  trap: '',
  events: 0,
  packets: 0,
  bytes: 0,
};
const witness: CrashWitness = {
  record: 'r',
  source: 'kmsg',
  sender: '',
  first_us: 0,
  kernel: '',
  boot_id: '',
  kind: '',
  line: '',
  uptime_us: 0,
};
const crashReport: CrashReport = {
  witness,
  revision: 1,
  last_us: 0,
  last_uptime_us: 0,
  digest: '0'.repeat(64),
  bytes: 100,
  complete: false,
  holes: [],
  unlisted_holes: 0,
  wrap_at: 0,
  parts: 0,
  duplicates: 0,
  lost_messages: 0,
  hardware: '',
  reading: null,
  parser_version: 0,
};
const frame: CrashFrame = {
  function: 'f',
  offset: null,
  module: '',
  reliable: true,
  inline: false,
  passed: '',
};
const reading: CrashReading = {
  title: 'BUG: x in f',
  alternates: [],
  type: 'bug',
  bug: 'x in f',
  corrupted: '',
  signature: '1:00112233445566ff',
  place: 'f',
  frames: [frame, frame],
  unlisted_frames: 0,
  guilty: null,
  process: '',
  pid: null,
  cpu: null,
  taint: '',
  modules: [],
  unlisted_modules: 0,
};
const dropReport: DropReport = {
  window_us: 1,
  received_packets: 0,
  sent_packets: 0,
  drops: [],
  other: null,
  samples: [],
};
const flow: Flow = {
  source: '',
  destination: '',
  protocol: '',
  source_port: 0,
  destination_port: 0,
  vlans: [],
  tunnel_id: 0,
  detail: '',
};
const sample: DropSample = {
  observed_us: 0,
  reason: 'R',
  function: '',
  origin: 0,
  trap: '',
  interface: '',
  namespace: '',
  length: 0,
  flows: [flow],
  header: new Uint8Array(),
  ether_type: 0,
};
const withFlow = (part: Partial<Flow>): Partial<DropReport> => ({
  samples: [{ ...sample, flows: [{ ...flow, ...part }] }],
});
const counter = { name: 'n', interface: '', delta: 0, namespace: '' };
const loss = { source: '', hop: '', count: 0 };
const nic = { name: '', driver: '', driver_version: '', firmware: '', speed_mbps: 0 };

const many = <T>(length: number, item: T): T[] => new Array<T>(length).fill(item);
const envelope = (part: Partial<Envelope>): string | null =>
  checkEntry({ envelope: { ...base, ...part } }, HOST);
const item = (part: Envelope['items'][number]) => envelope({ items: [part] });
const integer = (name: string, value: number, least = 0, most = MOST) =>
  `${name} is ${value}, not an integer from ${least} to ${most}`;

test('every example is in order', () => {
  for (const { entry, subject } of exampleEntries) expect(checkEntry(entry, subject)).toBeNull();
});

test('every arbitrary entry is in order on its subject, and on no other', () => {
  fc.assert(
    fc.property(anyEntry('c'), ({ entry, subject }) => {
      expect(checkEntry(entry, subject)).toBeNull();
      expect(checkEntry(entry, `${subject}.x`)).not.toBeNull();
      expect(checkEntry(entry, subject.replace('netfall', 'other'))).not.toBeNull();
    }),
  );
});

describe('exactly one kind', () => {
  const no = 'not exactly one kind is set';
  const tick = { replica: 'r' };
  const claim: Claim = { holder: 'r', lease_us: 0 };

  test.each<[string, Entry, string | null]>([
    ['none', {}, no],
    ['none but nulls', { envelope: null, tick: null, epoch: null, claim: null, delivered: null }, no],
    ['two', { tick, claim }, no],
    ['an envelope and a tick', { envelope: base, tick }, no],
    ['one', { tick }, null],
    ['one among nulls', { tick, envelope: null, claim: null }, null],
  ])('%s', (_name, entry, expected) => {
    expect(checkEntry(entry, 'netfall.c.tick')).toBe(expected);
  });
});

describe('subjects', () => {
  test.each<[Entry, string, string]>([
    [{ tick: { replica: 'r' } }, 'netfall.c.claim', 'tick on subject netfall.c.claim'],
    [{ claim: { holder: 'r', lease_us: 0 } }, 'netfall.c.tick', 'claim on subject netfall.c.tick'],
    [{ tick: { replica: 'r' } }, 'netfall.c.tick.x', 'tick on subject netfall.c.tick.x'],
    [{ tick: { replica: 'r' } }, 'tick', 'tick on subject tick'],
    [{ envelope: base }, 'netfall.c.host.g', 'envelope of host h in cell c on subject netfall.c.host.g'],
    [{ envelope: base }, 'netfall.d.host.h', 'envelope of host h in cell c on subject netfall.d.host.h'],
    [{ envelope: base }, 'netfall.c.tick', 'envelope of host h in cell c on subject netfall.c.tick'],
  ])('%j on %s', (entry, subject, expected) => {
    expect(checkEntry(entry, subject)).toBe(expected);
  });
});

describe('envelopes', () => {
  test.each<[Partial<Envelope>, string | null]>([
    [{ cell: 'a.b' }, 'envelope.cell "a.b" is no id'],
    [{ host_id: '' }, 'envelope.host_id "" is no id'],
    [{ host_id: 'h'.repeat(65) }, `envelope.host_id "${'h'.repeat(65)}" is no id`],
    [{ host_id: `${'*'.repeat(500)}` }, `envelope.host_id "${'*'.repeat(80)}" is no id`],
    [{ incarnation: 'a b' }, 'envelope.incarnation "a b" is no id'],
    [{ incarnation: 'a\n' }, 'envelope.incarnation "a\\n" is no id'],
    [{ boot_id: long }, 'envelope.boot_id has over 256 characters'],
    [{ boot_id: fits }, null],
    [{ boot_id: '\ud800' }, 'envelope.boot_id is no well-formed text'],
    [{ boot_id: '𝕏' }, null],
    [{ seq: 0 }, integer('envelope.seq', 0, 1)],
    [{ seq: 1.5, oldest_seq: 1 }, integer('envelope.seq', 1.5, 1)],
    [{ seq: MOST + 1 }, integer('envelope.seq', MOST + 1, 1)],
    [{ seq: Number.NaN }, integer('envelope.seq', Number.NaN, 1)],
    [{ oldest_seq: 0 }, integer('envelope.oldest_seq', 0, 1, 5)],
    [{ oldest_seq: 6 }, integer('envelope.oldest_seq', 6, 1, 5)],
    [{ oldest_seq: 1 }, null],
    [{ observed_us: -1 }, integer('envelope.observed_us', -1, 0, LIMITS.timeUs)],
    [
      { observed_us: LIMITS.timeUs + 1 },
      integer('envelope.observed_us', LIMITS.timeUs + 1, 0, LIMITS.timeUs),
    ],
    [{ observed_us: LIMITS.timeUs }, null],
    [{ items: many(32, {}) }, null],
    [{ items: many(33, {}) }, 'envelope.items has over 32 elements'],
    [{ losses: many(64, loss) }, null],
    [{ losses: many(65, loss) }, 'envelope.losses has over 64 elements'],
    [{ losses: [{ ...loss, source: long }] }, 'loss.source has over 256 characters'],
    [{ losses: [{ ...loss, hop: long }] }, 'loss.hop has over 256 characters'],
    [{ losses: [loss, { ...loss, count: -1 }] }, integer('loss.count', -1)],
  ])('%j', (part, expected) => {
    expect(envelope(part)).toBe(expected);
  });

  test('the year 2100 is where time ends', () => {
    expect(new Date(LIMITS.timeUs / 1000).toISOString()).toBe('2100-01-01T00:00:00.000Z');
  });
});

describe('items', () => {
  test('one without a kind is what a newer agent may send', () => {
    expect(item({})).toBeNull();
  });

  test('one of two kinds is refused', () => {
    expect(item({ goodbye: { reason: '' }, heartbeat })).toBe('item with more than one kind');
  });

  test('the first item that is out of order is named', () => {
    const good = { goodbye: { reason: '' } };
    expect(envelope({ items: [good, { heartbeat: { ...heartbeat, interval_ms: 0 } }, good] })).toBe(
      integer('heartbeat.interval_ms', 0, 1, 3_600_000),
    );
  });

  test.each<[Partial<Heartbeat>, string | null]>([
    [{ agent_version: long }, 'heartbeat.agent_version has over 256 characters'],
    [{ interval_ms: 3_600_001 }, integer('heartbeat.interval_ms', 3_600_001, 1, 3_600_000)],
    [{ interval_ms: 3_600_000 }, null],
    [{ spool_messages: -1 }, integer('heartbeat.spool_messages', -1)],
    [{ spool_bytes: MOST + 1 }, integer('heartbeat.spool_bytes', MOST + 1)],
    [{ spool_bytes: MOST }, null],
    [{ sources: many(32, source) }, null],
    [{ sources: many(33, source) }, 'heartbeat.sources has over 32 elements'],
    [{ sources: [{ ...source, name: long }] }, 'source.name has over 256 characters'],
    [{ sources: [{ ...source, state: -1 }] }, integer('source.state', -1, 0, 255)],
    [{ sources: [{ ...source, state: 256 }] }, integer('source.state', 256, 0, 255)],
    [{ sources: [{ ...source, state: 255 }] }, null],
    [{ sources: [{ ...source, detail: long }] }, 'source.detail has over 256 characters'],
    [{ sources: [{ ...source, mend: long }] }, 'source.mend has over 256 characters'],
  ])('heartbeat %j', (part, expected) => {
    expect(item({ heartbeat: { ...heartbeat, ...part } })).toBe(expected);
  });

  test('goodbye', () => {
    expect(item({ goodbye: { reason: long } })).toBe('goodbye.reason has over 256 characters');
  });

  test.each<[Partial<Inventory>, string | null]>([
    ...[
      'hostname',
      'gateway',
      'gateway_mac',
      'subnet',
      'kernel',
      'image',
      'cmdline_digest',
      'vendor',
      'product',
      'cpu',
      'microcode',
    ].map((field): [Partial<Inventory>, string] => [
      { [field]: long },
      `inventory.${field} has over 256 characters`,
    ]),
    [{ addresses: many(256, 'a') }, null],
    [{ addresses: many(257, 'a') }, 'inventory.addresses has over 256 elements'],
    [{ addresses: ['a', long] }, 'address has over 256 characters'],
    [{ nics: many(256, nic) }, null],
    [{ nics: many(257, nic) }, 'inventory.nics has over 256 elements'],
    [{ nics: [{ ...nic, name: long }] }, 'nic.name has over 256 characters'],
    [{ nics: [{ ...nic, driver: long }] }, 'nic.driver has over 256 characters'],
    [{ nics: [{ ...nic, driver_version: long }] }, 'nic.driver_version has over 256 characters'],
    [{ nics: [{ ...nic, firmware: long }] }, 'nic.firmware has over 256 characters'],
    [{ nics: [{ ...nic, speed_mbps: -1 }] }, integer('nic.speed_mbps', -1)],
    [{ labels: many(64, { key: 'k', value: '' }) }, null],
    [{ labels: many(65, { key: 'k', value: '' }) }, 'inventory.labels has over 64 elements'],
    [{ labels: [{ key: '', value: '' }] }, 'label.key "" is no label key'],
    [{ labels: [{ key: 'Rack', value: '' }] }, 'label.key "Rack" is no label key'],
    [{ labels: [{ key: 'k'.repeat(64), value: '' }] }, null],
    [{ labels: [{ key: 'k'.repeat(65), value: '' }] }, `label.key "${'k'.repeat(65)}" is no label key`],
    [{ labels: [{ key: 'k'.repeat(500), value: '' }] }, `label.key "${'k'.repeat(80)}" is no label key`],
    [{ labels: [{ key: 'rack\n', value: '' }] }, 'label.key "rack\\n" is no label key'],
    [{ labels: [{ key: 'k', value: long }] }, 'label.value has over 256 characters'],
  ])('inventory %j', (part, expected) => {
    expect(item({ inventory: { ...inventory, ...part } })).toBe(expected);
  });

  test.each<[Partial<DropReport>, string | null]>([
    [{ window_us: 0 }, integer('drop_report.window_us', 0, 1)],
    [{ received_packets: -1 }, integer('drop_report.received_packets', -1)],
    [{ sent_packets: -1 }, integer('drop_report.sent_packets', -1)],
    [{ drops: many(1024, drop) }, null],
    [{ samples: many(64, sample) }, null],
    [{ samples: many(65, sample) }, 'drop_report.samples has over 64 elements'],
    [{ samples: [{ ...sample, observed_us: -1 }] }, integer('sample.observed_us', -1, 0, LIMITS.timeUs)],
    [{ samples: [{ ...sample, reason: '' }] }, 'sample.reason is empty'],
    [{ samples: [{ ...sample, reason: long }] }, 'sample.reason has over 256 characters'],
    [{ samples: [{ ...sample, function: long }] }, 'sample.function has over 256 characters'],
    [{ samples: [{ ...sample, origin: 256 }] }, integer('sample.origin', 256, 0, 255)],
    [{ samples: [{ ...sample, trap: long }] }, 'sample.trap has over 256 characters'],
    [{ samples: [{ ...sample, interface: long }] }, 'sample.interface has over 256 characters'],
    [{ samples: [{ ...sample, namespace: long }] }, 'sample.namespace has over 256 characters'],
    [{ samples: [{ ...sample, length: -1 }] }, integer('sample.length', -1)],
    [{ samples: [{ ...sample, ether_type: 65_536 }] }, integer('sample.ether_type', 65_536, 0, 65_535)],
    [{ samples: [{ ...sample, header: new Uint8Array(256) }] }, null],
    [{ samples: [{ ...sample, header: new Uint8Array(257) }] }, 'sample.header has over 256 bytes'],
    [{ samples: [{ ...sample, flows: many(9, flow) }] }, 'sample.flows has over 8 elements'],
    [withFlow({ source: long }), 'flow.source has over 256 characters'],
    [withFlow({ destination: long }), 'flow.destination has over 256 characters'],
    [withFlow({ protocol: long }), 'flow.protocol has over 256 characters'],
    [withFlow({ source_port: 65_536 }), integer('flow.source_port', 65_536, 0, 65_535)],
    [withFlow({ destination_port: -1 }), integer('flow.destination_port', -1, 0, 65_535)],
    [withFlow({ vlans: many(9, 1) }), 'flow.vlans has over 8 elements'],
    [withFlow({ vlans: [4096] }), integer('flow.vlan', 4096, 0, 4095)],
    [withFlow({ tunnel_id: -1 }), integer('flow.tunnel_id', -1)],
    [withFlow({ detail: long }), 'flow.detail has over 256 characters'],
    [{ drops: many(1025, drop) }, 'drop_report.drops has over 1024 elements'],
    [{ drops: [{ ...drop, reason: '' }] }, 'drop.reason is empty'],
    [{ drops: [{ ...drop, reason: long }] }, 'drop.reason has over 256 characters'],
    [{ drops: [{ ...drop, function: long }] }, 'drop.function has over 256 characters'],
    [{ drops: [{ ...drop, module: long }] }, 'drop.module has over 256 characters'],
    [{ drops: [{ ...drop, protocol: long }] }, 'drop.protocol has over 256 characters'],
    [{ drops: [{ ...drop, trap: long }] }, 'drop.trap has over 256 characters'],
    [{ drops: [{ ...drop, offset: -1 }] }, integer('drop.offset', -1)],
    [{ drops: [{ ...drop, origin: 256 }] }, integer('drop.origin', 256, 0, 255)],
    [{ drops: [{ ...drop, events: MOST + 1 }] }, integer('drop.events', MOST + 1)],
    [{ drops: [{ ...drop, packets: MOST + 1 }] }, integer('drop.packets', MOST + 1)],
    [{ drops: [{ ...drop, bytes: MOST + 1 }] }, integer('drop.bytes', MOST + 1)],
    [{ other: { kinds: -1, events: 0, packets: 0, bytes: 0 } }, integer('other.kinds', -1)],
    [{ other: { kinds: 0, events: -1, packets: 0, bytes: 0 } }, integer('other.events', -1)],
    [{ other: { kinds: 0, events: 0, packets: -1, bytes: 0 } }, integer('other.packets', -1)],
    [{ other: { kinds: 0, events: 0, packets: 0, bytes: -1 } }, integer('other.bytes', -1)],
    // Orderly drops after an orderly rest, and disorderly ones after it too.
    [
      { other: { kinds: 0, events: 0, packets: 0, bytes: 0 }, drops: [{ ...drop, reason: '' }] },
      'drop.reason is empty',
    ],
  ])('drop report %j', (part, expected) => {
    expect(item({ drop_report: { ...dropReport, ...part } })).toBe(expected);
  });

  test.each<[{ window_us?: number; counters?: (typeof counter)[] }, string | null]>([
    [{ window_us: 0 }, integer('counter_report.window_us', 0, 1)],
    [{ counters: many(2048, counter) }, null],
    [{ counters: many(2049, counter) }, 'counter_report.counters has over 2048 elements'],
    [{ counters: [{ ...counter, name: '' }] }, 'counter.name is empty'],
    [{ counters: [{ ...counter, name: long }] }, 'counter.name has over 256 characters'],
    [{ counters: [{ ...counter, interface: long }] }, 'counter.interface has over 256 characters'],
    [{ counters: [{ ...counter, delta: -1 }] }, integer('counter.delta', -1)],
  ])('counter report %j', (part, expected) => {
    expect(item({ counter_report: { window_us: 1, counters: [], audit: null, sockets: [], ...part } })).toBe(
      expected,
    );
  });
});

describe('crashes', () => {
  test.each<[Partial<CrashWitness>, string | null]>([
    [{}, null],
    [{ record: '' }, 'crash_witness.record is empty'],
    [{ record: long }, 'crash_witness.record has over 256 characters'],
    [{ source: '' }, 'crash_witness.source is empty'],
    [{ sender: long }, 'crash_witness.sender has over 256 characters'],
    [{ first_us: -1 }, integer('crash_witness.first_us', -1, 0, LIMITS.timeUs)],
    [{ kernel: long }, 'crash_witness.kernel has over 256 characters'],
    [{ boot_id: long }, 'crash_witness.boot_id has over 256 characters'],
    [{ kind: long }, 'crash_witness.kind has over 256 characters'],
    [{ line: long }, 'crash_witness.line has over 256 characters'],
    [{ line: fits, uptime_us: MOST }, null],
    [{ uptime_us: -1 }, integer('crash_witness.uptime_us', -1)],
  ])('witness %j', (part, expected) => {
    expect(item({ crash_witness: { ...witness, ...part } })).toBe(expected);
    expect(item({ crash_report: { ...crashReport, witness: { ...witness, ...part } } })).toBe(expected);
  });

  test.each<[Partial<CrashReport>, string | null]>([
    [{ witness: null }, 'crash_report.witness is missing'],
    [{ revision: 0 }, integer('crash_report.revision', 0, 1, 0xffff_ffff)],
    [{ last_us: -1 }, integer('crash_report.last_us', -1, 0, LIMITS.timeUs)],
    [{ last_uptime_us: -1 }, integer('crash_report.last_uptime_us', -1)],
    [{ digest: 'f'.repeat(63) }, 'crash_report.digest is no SHA-256 in hex'],
    [{ digest: 'F'.repeat(64) }, 'crash_report.digest is no SHA-256 in hex'],
    [{ bytes: -1 }, integer('crash_report.bytes', -1)],
    [{ holes: many(256, { at: 100, bytes: 0, exact: false }) }, null],
    [{ holes: many(257, { at: 0, bytes: 0, exact: false }) }, 'crash_report.holes has over 256 elements'],
    [{ holes: [{ at: 101, bytes: 0, exact: false }] }, integer('hole.at', 101, 0, 100)],
    [{ holes: [{ at: 0, bytes: -1, exact: false }] }, integer('hole.bytes', -1)],
    [{ unlisted_holes: 2 ** 32 }, integer('crash_report.unlisted_holes', 2 ** 32, 0, 0xffff_ffff)],
    [{ wrap_at: 101 }, integer('crash_report.wrap_at', 101, 0, 100)],
    [{ parts: -1 }, integer('crash_report.parts', -1)],
    [{ duplicates: -1 }, integer('crash_report.duplicates', -1)],
    [{ lost_messages: -1 }, integer('crash_report.lost_messages', -1)],
    [{ hardware: long }, 'crash_report.hardware has over 256 characters'],
    [{ parser_version: 2 ** 32 }, integer('crash_report.parser_version', 2 ** 32, 0, 0xffff_ffff)],
    [{ parser_version: 1 }, null],
    [{ reading }, integer('crash_report.parser_version', 0, 1, 0xffff_ffff)],
    [{ reading, parser_version: 1 }, null],
  ])('report %j', (part, expected) => {
    expect(item({ crash_report: { ...crashReport, ...part } })).toBe(expected);
  });

  const most = 0xffff_ffff;
  test.each<[Partial<CrashReading>, string | null]>([
    [{ title: '' }, 'reading.title is empty'],
    [{ title: long }, 'reading.title has over 256 characters'],
    [{ alternates: many(8, fits) }, null],
    [{ alternates: many(9, '') }, 'reading.alternates has over 8 elements'],
    [{ alternates: [long] }, 'alternate has over 256 characters'],
    [{ type: long }, 'reading.type has over 256 characters'],
    [{ bug: long }, 'reading.bug has over 256 characters'],
    [{ corrupted: long }, 'reading.corrupted has over 256 characters'],
    [{ place: long }, 'reading.place has over 256 characters'],
    [{ process: '\ud800' }, 'reading.process is no well-formed text'],
    [{ taint: long }, 'reading.taint has over 256 characters'],
    [{ signature: '' }, 'reading.signature is no signature'],
    [{ signature: '1:00112233445566FF' }, 'reading.signature is no signature'],
    [{ signature: '1:00112233445566ff\n' }, 'reading.signature is no signature'],
    [{ frames: many(32, frame) }, null],
    [{ frames: many(33, frame) }, 'reading.frames has over 32 elements'],
    [{ frames: [{ ...frame, function: long }] }, 'frame.function has over 256 characters'],
    [{ frames: [{ ...frame, offset: most }] }, null],
    [{ frames: [{ ...frame, offset: -1 }] }, integer('frame.offset', -1, 0, most)],
    [{ frames: [{ ...frame, module: 'm'.repeat(65) }] }, 'frame.module has over 64 characters'],
    [{ frames: [{ ...frame, passed: long }] }, 'frame.passed has over 256 characters'],
    [{ unlisted_frames: -1 }, integer('reading.unlisted_frames', -1, 0, most)],
    [{ guilty: 1 }, null],
    [{ guilty: 2 }, integer('reading.guilty', 2, 0, 1)],
    [{ guilty: 0, frames: [] }, integer('reading.guilty', 0, 0, -1)],
    [{ pid: 0 }, null],
    [{ pid: 1.5 }, integer('reading.pid', 1.5, 0, most)],
    [{ cpu: most + 1 }, integer('reading.cpu', most + 1, 0, most)],
    [{ modules: many(256, 'm'.repeat(64)) }, null],
    [{ modules: many(257, '') }, 'reading.modules has over 256 elements'],
    [{ modules: ['m'.repeat(65)] }, 'module has over 64 characters'],
    [{ unlisted_modules: -1 }, integer('reading.unlisted_modules', -1, 0, most)],
  ])('reading %j', (part, expected) => {
    const changed = { ...reading, ...part };
    expect(item({ crash_report: { ...crashReport, reading: changed, parser_version: 1 } })).toBe(expected);
    const stored = { digest: '0'.repeat(64), parser_version: 1, reading: changed };
    expect(checkEntry({ reading: stored }, 'netfall.c.reading')).toBe(expected);
  });

  test.each<[Partial<StoredReading>, string | null]>([
    [{}, null],
    [{ reading: null }, null],
    [{ digest: 'f' }, 'reading.digest is no SHA-256 in hex'],
    [{ parser_version: 0 }, integer('reading.parser_version', 0, 1, most)],
    [{ parser_version: most + 1, reading: null }, integer('reading.parser_version', most + 1, 1, most)],
  ])('stored reading %j', (part, expected) => {
    const stored = { digest: '0'.repeat(64), parser_version: 1, reading, ...part };
    expect(checkEntry({ reading: stored }, 'netfall.c.reading')).toBe(expected);
  });
});

describe('what collectors say', () => {
  test('ticks', () => {
    expect(checkEntry({ tick: { replica: '' } }, 'netfall.c.tick')).toBe('tick.replica "" is no id');
  });

  test.each<[Partial<Epoch>, string | null]>([
    [{ fold_version: 0 }, integer('epoch.fold_version', 0, 1)],
    [{ config_digest: long }, 'epoch.config_digest has over 256 characters'],
    [{ catalog_digest: long }, 'epoch.catalog_digest has over 256 characters'],
    [{ config: 'x'.repeat(65_536) }, null],
    [{ config: 'x'.repeat(65_537) }, 'epoch.config has over 65536 characters'],
    [{ config: '"\udc00"' }, 'epoch.config is no well-formed text'],
  ])('epoch %#', (part, expected) => {
    const epoch = { fold_version: 1, config_digest: '', catalog_digest: '', config: '', ...part };
    expect(checkEntry({ epoch }, 'netfall.c.epoch')).toBe(expected);
  });

  test.each<[Partial<Claim>, string | null]>([
    [{ holder: 'a/b' }, 'claim.holder "a/b" is no id'],
    [{ lease_us: -1 }, integer('claim.lease_us', -1, 0, 3_600_000_000)],
    [{ lease_us: 3_600_000_001 }, integer('claim.lease_us', 3_600_000_001, 0, 3_600_000_000)],
    [{ lease_us: 3_600_000_000 }, null],
  ])('claim %j', (part, expected) => {
    expect(checkEntry({ claim: { holder: 'r', lease_us: 0, ...part } }, 'netfall.c.claim')).toBe(expected);
  });

  test.each<[Partial<Delivered>, string | null]>([
    [{ notification_id: long }, 'delivered.notification_id has over 256 characters'],
    [{ sink: long }, 'delivered.sink has over 256 characters'],
    [{ holder: '' }, 'delivered.holder "" is no id'],
    [{ attempts: -1 }, integer('delivered.attempts', -1)],
    [{ error: long }, 'delivered.error has over 256 characters'],
    [{ error: fits }, null],
  ])('delivered %j', (part, expected) => {
    const delivered = { notification_id: 'n', sink: 's', holder: 'r', attempts: 1, error: '', ...part };
    expect(checkEntry({ delivered }, 'netfall.c.delivered')).toBe(expected);
  });
});

describe('changes', () => {
  const change: Change = {
    id: 'c-1',
    kind: 'deployment',
    summary: 's',
    at_us: 0,
    attributes: [],
    hosts: [],
    by: '',
    url: '',
  };
  const label = { key: 'pool', value: 'api' };
  const comment = 'x'.repeat(LIMITS.comment);

  test.each<[Partial<Change>, string | null]>([
    [{}, null],
    [{ id: '' }, 'change.id "" is no id'],
    [{ id: 'a.b' }, 'change.id "a.b" is no id'],
    [{ kind: '' }, 'change.kind "" is no kind'],
    [{ kind: 'Deployment' }, 'change.kind "Deployment" is no kind'],
    [{ kind: 'k'.repeat(65) }, `change.kind "${'k'.repeat(65)}" is no kind`],
    [{ kind: 'firmware\n' }, 'change.kind "firmware\\n" is no kind'],
    [{ kind: 'nic_firmware-2.x' }, null],
    [{ summary: '' }, 'change.summary is empty'],
    [{ summary: comment }, null],
    [{ summary: `${comment}x` }, 'change.summary has over 2048 characters'],
    [{ summary: '\ud800' }, 'change.summary is no well-formed text'],
    [{ at_us: -1 }, integer('change.at_us', -1, 0, LIMITS.timeUs)],
    [{ at_us: LIMITS.timeUs + 1 }, integer('change.at_us', LIMITS.timeUs + 1, 0, LIMITS.timeUs)],
    [{ attributes: many(8, label) }, null],
    [{ attributes: many(9, label) }, 'change.attributes has over 8 elements'],
    [{ attributes: [label, { key: 'Pool', value: '' }] }, 'label.key "Pool" is no label key'],
    [{ attributes: [{ key: 'pool', value: long }] }, 'label.value has over 256 characters'],
    [{ hosts: many(256, 'h') }, null],
    [{ hosts: many(257, 'h') }, 'change.hosts has over 256 elements'],
    [{ hosts: ['h', 'a b'] }, 'change.host "a b" is no id'],
    [{ by: long }, 'change.by has over 256 characters'],
    [{ url: long }, 'change.url has over 256 characters'],
  ])('%#: %s', (part, expected) => {
    expect(checkEntry({ change: { ...change, ...part } }, 'netfall.c.change')).toBe(expected);
  });
});

describe('commands', () => {
  const onCommand = (command: Command) => checkEntry({ command }, 'netfall.c.command');
  const said = { by: 'ann', comment: 'why' };
  const about = { incident_id: 'i7-0' };
  const matcher = { name: 'rack', value: 'r12', not: false };
  const silence: Silence = { id: 's', matchers: [matcher], from_us: 0, until_us: 0, maintenance: false };

  test.each<[string, Command, string | null]>([
    ['none', said, 'command without exactly one kind'],
    [
      'two about an incident',
      { ...said, acknowledge: about, resolve: about },
      'command without exactly one kind',
    ],
    ['two of silences', { ...said, silence, end_silence: { id: 's' } }, 'command without exactly one kind'],
    ['one of each', { ...said, comment_on: about, silence }, 'command without exactly one kind'],
    ['one among nulls', { ...said, acknowledge: about, resolve: null, silence: null }, null],
  ])('exactly one kind: %s', (_name, command, expected) => {
    expect(onCommand(command)).toBe(expected);
  });

  test.each(['acknowledge', 'resolve', 'comment_on'])('%s', (kind) => {
    expect(onCommand({ ...said, [kind]: about })).toBeNull();
    expect(onCommand({ ...said, [kind]: { incident_id: '' } })).toBe('command.incident_id "" is no id');
    expect(onCommand({ ...said, by: long, [kind]: about })).toBe('command.by has over 256 characters');
    const comment = 'x'.repeat(LIMITS.comment);
    expect(onCommand({ ...said, comment, [kind]: about })).toBeNull();
    expect(onCommand({ ...said, comment: `${comment}x`, [kind]: about })).toBe(
      'command.comment has over 2048 characters',
    );
    expect(onCommand({ by: '', comment: '', [kind]: about })).toBe(
      kind === 'comment_on' ? 'command.comment is empty' : null,
    );
  });

  test('end_silence', () => {
    expect(onCommand({ ...said, end_silence: { id: 's' } })).toBeNull();
    expect(onCommand({ ...said, end_silence: { id: 'a b' } })).toBe('end_silence.id "a b" is no id');
  });

  test.each<[Partial<Silence>, string | null]>([
    [{}, null],
    [{ id: '' }, 'silence.id "" is no id'],
    [{ matchers: [] }, 'silence.matchers is empty'],
    [{ matchers: many(16, matcher) }, null],
    [{ matchers: many(17, matcher) }, 'silence.matchers has over 16 elements'],
    [{ matchers: [{ ...matcher, name: 'Rack' }] }, 'matcher.name "Rack" is no label key'],
    [{ matchers: [{ ...matcher, name: '' }] }, 'matcher.name "" is no label key'],
    [{ matchers: [matcher, { ...matcher, value: long }] }, 'label.value has over 256 characters'],
    [{ from_us: -1 }, integer('silence.from_us', -1, 0, LIMITS.timeUs)],
    [{ from_us: 5, until_us: 4 }, integer('silence.until_us', 4, 5, LIMITS.timeUs)],
    [{ from_us: 5, until_us: 5 }, null],
    [{ until_us: LIMITS.timeUs + 1 }, integer('silence.until_us', LIMITS.timeUs + 1, 0, LIMITS.timeUs)],
  ])('silence %j', (part, expected) => {
    expect(onCommand({ ...said, silence: { ...silence, ...part } })).toBe(expected);
  });
});
