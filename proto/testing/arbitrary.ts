/**
 * Arbitrary entries for property tests: whatever this makes satisfies check.ts on the subject that comes with it, and
 * every field takes its bounds and its default now and then. Must not know what the fold makes of them.
 */
import fc from 'fast-check';
import { LIMITS } from '../check.ts';
import type {
  Audit,
  Change,
  Command,
  CounterReport,
  CrashFrame,
  CrashReading,
  CrashReport,
  CrashWitness,
  Drop,
  DropReport,
  DropSample,
  Entry,
  Envelope,
  Flow,
  Goodbye,
  Heartbeat,
  Inventory,
  Item,
  Label,
  Loss,
  Silence,
  SocketDrops,
} from '../gen/types.ts';
import { collectorSubject, hostSubject } from '../subjects.ts';

/** An entry and the subject on which it is valid. */
export interface OnSubject {
  readonly subject: string;
  readonly entry: Entry;
}

/** What a name of a cell, host or replica may be. */
export const anyId: fc.Arbitrary<string> = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);

const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom('', '\u2028', '\n', '"\\', '𝕏'.repeat(LIMITS.string / 2)) },
);
const name = text.filter((value) => value !== '');
const count = fc.oneof(
  { weight: 3, arbitrary: fc.nat(1_000_000) },
  { weight: 2, arbitrary: fc.maxSafeNat() },
  { weight: 1, arbitrary: fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER) },
);
const least1 = count.map((value) => Math.max(1, value));
const uint32 = fc.oneof(fc.nat(10_000), fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1));
/** One that proto/netfall/v1 names, or one of a later release. */
const enumValue = fc.oneof({ weight: 9, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(255) });
const time = fc.oneof(fc.nat(LIMITS.timeUs), fc.constantFrom(0, LIMITS.timeUs));

function few<T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(item, { maxLength: 4 });
}

const loss: fc.Arbitrary<Loss> = fc.record({ source: text, hop: text, count });

const label: fc.Arbitrary<Label> = fc.record({ key: fc.stringMatching(/^[a-z0-9_.-]{1,64}$/), value: text });

const inventory: fc.Arbitrary<Inventory> = fc.record({
  hostname: text,
  addresses: few(text),
  gateway: text,
  gateway_mac: text,
  subnet: text,
  kernel: text,
  image: text,
  cmdline_digest: text,
  vendor: text,
  product: text,
  cpu: text,
  microcode: text,
  nics: few(
    fc.record({ name: text, driver: text, driver_version: text, firmware: text, speed_mbps: uint32 }),
  ),
  labels: few(label),
});

const heartbeat: fc.Arbitrary<Heartbeat> = fc.record({
  agent_version: text,
  interval_ms: fc.oneof(fc.integer({ min: 1, max: 60_000 }), fc.constantFrom(1, 3_600_000)),
  sources: few(fc.record({ name: text, state: enumValue, detail: text, mend: text })),
  spool_messages: uint32,
  spool_bytes: count,
});

const goodbye: fc.Arbitrary<Goodbye> = fc.record({ reason: text });

const drop: fc.Arbitrary<Drop> = fc.record({
  reason: name,
  function: text,
  offset: uint32,
  module: text,
  protocol: text,
  origin: enumValue,
  trap: text,
  events: count,
  packets: count,
  bytes: count,
});

const port = fc.nat(0xffff);
const flow: fc.Arbitrary<Flow> = fc.record({
  source: text,
  destination: text,
  protocol: text,
  source_port: port,
  destination_port: port,
  vlans: few(fc.nat(0xfff)),
  tunnel_id: uint32,
  detail: text,
});

const sample: fc.Arbitrary<DropSample> = fc.record({
  observed_us: time,
  reason: name,
  function: text,
  origin: enumValue,
  trap: text,
  interface: text,
  namespace: text,
  length: uint32,
  flows: few(flow),
  header: fc.uint8Array({ maxLength: 256 }),
  ether_type: port,
});

const dropReport: fc.Arbitrary<DropReport> = fc.record({
  window_us: least1,
  received_packets: count,
  sent_packets: count,
  drops: few(drop),
  other: fc.option(fc.record({ kinds: uint32, events: count, packets: count, bytes: count })),
  samples: few(sample),
});

const auditedDrop = fc.record({ reason: text, function: text, protocol: text, counter: text, events: count });

const audit: fc.Arbitrary<Audit> = fc.record({
  explained: few(auditedDrop),
  unseen: few(fc.record({ counter: text, interface: text, count, possible: fc.boolean() })),
  uncounted: few(auditedDrop),
  missed_events: count,
  unlisted: uint32,
});

const socket: fc.Arbitrary<SocketDrops> = fc.record({
  protocol: text,
  local_address: text,
  local_port: fc.integer({ min: 0, max: 0xffff }),
  pid: uint32,
  process: text,
  owner: text,
  drops: count,
});

const counterReport: fc.Arbitrary<CounterReport> = fc.record({
  window_us: least1,
  counters: few(fc.record({ name, interface: text, delta: count, namespace: text })),
  audit: fc.option(audit),
  sockets: few(socket),
});

const crashWitness: fc.Arbitrary<CrashWitness> = fc.record({
  record: name,
  source: name,
  sender: text,
  first_us: time,
  kernel: text,
  boot_id: text,
  kind: text,
  line: text,
  uptime_us: count,
});

const optional = fc.option(uint32, { nil: null });
const moduleName = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('', 'x'.repeat(LIMITS.moduleName)));

const crashFrame: fc.Arbitrary<CrashFrame> = fc.record({
  function: text,
  offset: optional,
  module: moduleName,
  reliable: fc.boolean(),
  inline: fc.boolean(),
  passed: text,
});

const crashReading: fc.Arbitrary<CrashReading> = fc
  .record({
    title: name,
    alternates: few(text),
    type: text,
    bug: text,
    corrupted: text,
    signature: fc.stringMatching(/^[1-9]\d{0,9}:[0-9a-f]{16}$/),
    place: text,
    frames: few(crashFrame),
    unlisted_frames: uint32,
    guilty: optional,
    process: text,
    pid: optional,
    cpu: optional,
    taint: text,
    modules: few(moduleName),
    unlisted_modules: uint32,
  })
  .map((reading) => {
    const { guilty, frames } = reading;
    return { ...reading, guilty: guilty !== null && guilty < frames.length ? guilty : null };
  });

const crashReport: fc.Arbitrary<CrashReport> = fc
  .record({
    witness: crashWitness,
    revision: uint32.map((revision) => Math.max(1, revision)),
    last_us: time,
    last_uptime_us: count,
    digest: fc.stringMatching(/^[0-9a-f]{64}$/),
    bytes: count,
    complete: fc.boolean(),
    holes: few(fc.record({ at: count, bytes: count, exact: fc.boolean() })),
    unlisted_holes: uint32,
    wrap_at: count,
    parts: count,
    duplicates: count,
    lost_messages: count,
    hardware: text,
    reading: fc.option(crashReading, { nil: null }),
    parser_version: uint32,
  })
  .map((report) => ({
    ...report,
    parser_version: Math.max(report.reading ? 1 : 0, report.parser_version),
    holes: report.holes.map((hole) => ({ ...hole, at: Math.min(hole.at, report.bytes) })),
    wrap_at: Math.min(report.wrap_at, report.bytes),
  }));

const item: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ inventory }),
  fc.record({ heartbeat }),
  fc.record({ goodbye }),
  fc.record({ drop_report: dropReport }),
  fc.record({ counter_report: counterReport }),
  fc.record({ crash_witness: crashWitness }),
  fc.record({ crash_report: crashReport }),
  // What a newer agent's unknown kind of item decodes to.
  fc.constant({}),
);

/** A valid envelope of one of `hosts` in `cell`. */
function anyEnvelope(cell: string, hosts: fc.Arbitrary<string> = anyId): fc.Arbitrary<Envelope> {
  return fc
    .record({
      cell: fc.constant(cell),
      host_id: hosts,
      incarnation: anyId,
      seq: least1,
      oldest_seq: least1,
      boot_id: text,
      observed_us: time,
      items: few(item),
      losses: few(loss),
    })
    .map((envelope) => ({ ...envelope, oldest_seq: Math.min(envelope.seq, envelope.oldest_seq) }));
}

const silence: fc.Arbitrary<Silence> = fc
  .record({
    id: anyId,
    matchers: fc.array(
      label.chain(({ key, value }) =>
        fc.record({ name: fc.constant(key), value: fc.constant(value), not: fc.boolean() }),
      ),
      { minLength: 1, maxLength: 4 },
    ),
    from_us: time,
    until_us: time,
    maintenance: fc.boolean(),
  })
  .map((made) => ({ ...made, until_us: Math.max(made.from_us, made.until_us) }));

const about = fc.record({ incident_id: anyId });
const said = { by: text, comment: fc.oneof(text, fc.constant('x'.repeat(LIMITS.comment))) };

/** What an operator decided, of any kind. */
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ ...said, acknowledge: about }),
  fc.record({ ...said, resolve: about }),
  fc.record({ ...said, comment: name, comment_on: about }),
  fc.record({ ...said, silence }),
  fc.record({ ...said, end_silence: fc.record({ id: anyId }) }),
);

/** A valid entry of any kind in `cell`. `hosts` says who its envelopes are from. */
export function anyEntry(cell: string, hosts: fc.Arbitrary<string> = anyId): fc.Arbitrary<OnSubject> {
  const tick = fc.record({ replica: anyId });
  const epoch = fc.record({
    fold_version: uint32.map((version) => Math.max(1, version)),
    config_digest: text,
    catalog_digest: text,
    config: fc.string({ maxLength: 600 }),
  });
  const claim = fc.record({
    holder: anyId,
    lease_us: fc.oneof(fc.nat(60_000_000), fc.constant(3_600_000_000)),
  });
  const delivered = fc.record({
    notification_id: text,
    sink: text,
    holder: anyId,
    attempts: uint32,
    error: text,
  });
  const switches = fc.record({
    switches: few(
      fc.record({ source: name, until_us: time, hosts: few(hosts), labels: few(label), why: text, by: text }),
    ),
    by: text,
  });
  const reading = fc.record({
    digest: fc.stringMatching(/^[0-9a-f]{64}$/),
    parser_version: uint32.map((version) => Math.max(1, version)),
    reading: fc.option(crashReading, { nil: null }),
  });
  const change: fc.Arbitrary<Change> = fc.record({
    id: anyId,
    kind: fc.stringMatching(/^[a-z0-9_.-]{1,64}$/),
    summary: fc.oneof(name, fc.constant('x'.repeat(LIMITS.comment))),
    at_us: time,
    attributes: few(label),
    hosts: few(hosts),
    by: text,
    url: text,
  });
  return fc.oneof(
    {
      weight: 6,
      arbitrary: anyEnvelope(cell, hosts).map((envelope) => {
        return { subject: hostSubject(cell, envelope.host_id), entry: { envelope } };
      }),
    },
    tick.map((value) => ({ subject: collectorSubject(cell, 'tick'), entry: { tick: value } })),
    epoch.map((value) => ({ subject: collectorSubject(cell, 'epoch'), entry: { epoch: value } })),
    claim.map((value) => ({ subject: collectorSubject(cell, 'claim'), entry: { claim: value } })),
    delivered.map((value) => ({ subject: collectorSubject(cell, 'delivered'), entry: { delivered: value } })),
    switches.map((value) => ({ subject: collectorSubject(cell, 'switches'), entry: { switches: value } })),
    reading.map((value) => ({ subject: collectorSubject(cell, 'reading'), entry: { reading: value } })),
    change.map((value) => ({ subject: collectorSubject(cell, 'change'), entry: { change: value } })),
    command.map((value) => ({ subject: collectorSubject(cell, 'command'), entry: { command: value } })),
  );
}
