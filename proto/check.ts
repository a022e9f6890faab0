/**
 * What an entry must satisfy beyond being decodable: bounds, required fields, and a subject that says the same as the
 * payload. The fold rejects and counts what fails here; the JSON reader names the line.
 */
import type {
  Audit,
  AuditedDrop,
  Change,
  Claim,
  Command,
  CounterReport,
  CrashReading,
  CrashReport,
  CrashWitness,
  Delivered,
  DropReport,
  DropSample,
  Entry,
  Envelope,
  Epoch,
  Inventory,
  Item,
  Label,
  Loss,
  Silence,
  SourceSwitch,
  StoredReading,
  Switches,
} from './gen/types.ts';
import { type CollectorEntryKind, collectorSubject, hostSubject, isId } from './subjects.ts';

/** The most of each that one entry may hold. */
export const LIMITS = {
  items: 32,
  losses: 64,
  drops: 1024,
  counters: 2048,
  samples: 64,
  /** Of each list of an audit. */
  audit: 256,
  sockets: 64,
  /** Of a crash's log. */
  holes: 256,
  /** Of a crash's reading. */
  alternates: 8,
  frames: 32,
  modules: 256,
  /** Characters in a module's name: MODULE_NAME_LEN and more. */
  moduleName: 64,
  /** Of a sample: one for each depth of tunnels. */
  flows: 8,
  vlans: 8,
  /** Bytes of a sampled packet. */
  header: 256,
  sources: 32,
  nics: 256,
  addresses: 256,
  labels: 64,
  switches: 32,
  /** Of a switch: the hosts that it names, and the labels that others have to carry. */
  switchHosts: 64,
  switchLabels: 8,
  /** Of a change: what its hosts have in common, and those that it names. */
  changeAttributes: 8,
  changeHosts: 256,
  /** Of a silence. */
  matchers: 16,
  /** Characters in a comment or a change's summary. */
  comment: 2048,
  /** Characters in any string. */
  string: 256,
  /** Characters in an epoch's configuration. */
  config: 65_536,
  /** Times, microseconds since the epoch: up to the year 2100. */
  timeUs: 4_102_444_800_000_000,
} as const;

/** Why an entry that stood on `subject` is to be rejected, or null when it is in order. */
export function checkEntry(entry: Entry, subject: string): string | null {
  const { envelope, tick, epoch, claim, delivered, switches, reading, change, command } = entry;
  const kinds = (envelope ? 1 : 0) + (tick ? 1 : 0) + (epoch ? 1 : 0) + (claim ? 1 : 0);
  const more = (delivered ? 1 : 0) + (switches ? 1 : 0) + (reading ? 1 : 0);
  if (kinds + more + (change ? 1 : 0) + (command ? 1 : 0) !== 1) return 'not exactly one kind is set';
  if (envelope) return checkEnvelope(envelope, subject);
  const kind = collectorKind(entry);
  const [, cell] = subject.split('.');
  if (cell === undefined || subject !== collectorSubject(cell, kind)) return `${kind} on subject ${subject}`;
  if (tick) return badId('tick.replica', tick.replica);
  if (epoch) return checkEpoch(epoch);
  if (claim) return checkClaim(claim);
  if (delivered) return checkDelivered(delivered);
  if (switches) return checkSwitches(switches);
  if (change) return checkChange(change);
  if (command) return checkCommand(command);
  return reading ? checkStoredReading(reading) : null;
}

function collectorKind({
  tick,
  epoch,
  claim,
  delivered,
  switches,
  change,
  command,
}: Entry): CollectorEntryKind {
  if (tick) return 'tick';
  if (epoch) return 'epoch';
  if (claim) return 'claim';
  if (delivered) return 'delivered';
  if (switches) return 'switches';
  if (change) return 'change';
  return command ? 'command' : 'reading';
}

function checkEnvelope(envelope: Envelope, subject: string): string | null {
  const bad =
    badId('envelope.cell', envelope.cell) ??
    badId('envelope.host_id', envelope.host_id) ??
    badId('envelope.incarnation', envelope.incarnation) ??
    badString('envelope.boot_id', envelope.boot_id) ??
    badInteger('envelope.seq', envelope.seq, 1) ??
    badInteger('envelope.oldest_seq', envelope.oldest_seq, 1, envelope.seq) ??
    badInteger('envelope.observed_us', envelope.observed_us, 0, LIMITS.timeUs);
  if (bad) return bad;
  if (subject !== hostSubject(envelope.cell, envelope.host_id)) {
    return `envelope of host ${envelope.host_id} in cell ${envelope.cell} on subject ${subject}`;
  }
  return (
    every('envelope.items', envelope.items, LIMITS.items, checkItem) ??
    every('envelope.losses', envelope.losses, LIMITS.losses, checkLoss)
  );
}

function checkItem(item: Item): string | null {
  const { inventory, heartbeat, goodbye, drop_report, counter_report, crash_witness, crash_report } = item;
  const kinds = (inventory ? 1 : 0) + (heartbeat ? 1 : 0) + (goodbye ? 1 : 0) + (drop_report ? 1 : 0);
  const more = (counter_report ? 1 : 0) + (crash_witness ? 1 : 0) + (crash_report ? 1 : 0);
  // None is what a newer agent's unknown item looks like: passed over, not rejected.
  if (kinds + more > 1) return 'item with more than one kind';
  if (inventory) return checkInventory(inventory);
  if (drop_report) return checkDropReport(drop_report);
  if (counter_report) return checkCounterReport(counter_report);
  if (crash_witness) return checkCrashWitness(crash_witness);
  if (crash_report) return checkCrashReport(crash_report);
  if (goodbye) return badString('goodbye.reason', goodbye.reason);
  if (!heartbeat) return null;
  return (
    badString('heartbeat.agent_version', heartbeat.agent_version) ??
    badInteger('heartbeat.interval_ms', heartbeat.interval_ms, 1, 3_600_000) ??
    badInteger('heartbeat.spool_messages', heartbeat.spool_messages) ??
    badInteger('heartbeat.spool_bytes', heartbeat.spool_bytes) ??
    every('heartbeat.sources', heartbeat.sources, LIMITS.sources, (source) => {
      return (
        badString('source.name', source.name) ??
        badInteger('source.state', source.state, 0, 255) ??
        badString('source.detail', source.detail) ??
        badString('source.mend', source.mend)
      );
    })
  );
}

function checkLoss(loss: Loss): string | null {
  return (
    badString('loss.source', loss.source) ??
    badString('loss.hop', loss.hop) ??
    badInteger('loss.count', loss.count)
  );
}

const inventoryStrings = [
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
] as const;
const nicStrings = ['name', 'driver', 'driver_version', 'firmware'] as const;

function checkInventory(inventory: Inventory): string | null {
  for (const field of inventoryStrings) {
    const bad = badString(`inventory.${field}`, inventory[field]);
    if (bad) return bad;
  }
  return (
    every('inventory.addresses', inventory.addresses, LIMITS.addresses, (a) => badString('address', a)) ??
    every('inventory.nics', inventory.nics, LIMITS.nics, (nic) => {
      for (const field of nicStrings) {
        const bad = badString(`nic.${field}`, nic[field]);
        if (bad) return bad;
      }
      return badInteger('nic.speed_mbps', nic.speed_mbps);
    }) ??
    every('inventory.labels', inventory.labels, LIMITS.labels, checkLabel)
  );
}

function checkLabel(label: Label): string | null {
  if (!/^[a-z0-9_.-]{1,64}$/.test(label.key)) {
    return `label.key ${JSON.stringify(label.key.slice(0, 80))} is no label key`;
  }
  return badString('label.value', label.value);
}

function checkDropReport(report: DropReport): string | null {
  const bad =
    badInteger('drop_report.window_us', report.window_us, 1) ??
    badInteger('drop_report.received_packets', report.received_packets) ??
    badInteger('drop_report.sent_packets', report.sent_packets);
  if (bad) return bad;
  const { other } = report;
  return (
    (other &&
      (badInteger('other.kinds', other.kinds) ??
        badInteger('other.events', other.events) ??
        badInteger('other.packets', other.packets) ??
        badInteger('other.bytes', other.bytes))) ??
    every('drop_report.drops', report.drops, LIMITS.drops, (drop) => {
      return (
        (drop.reason === '' ? 'drop.reason is empty' : null) ??
        badString('drop.reason', drop.reason) ??
        badString('drop.function', drop.function) ??
        badString('drop.module', drop.module) ??
        badString('drop.protocol', drop.protocol) ??
        badString('drop.trap', drop.trap) ??
        badInteger('drop.offset', drop.offset) ??
        badInteger('drop.origin', drop.origin, 0, 255) ??
        badInteger('drop.events', drop.events) ??
        badInteger('drop.packets', drop.packets) ??
        badInteger('drop.bytes', drop.bytes)
      );
    }) ??
    every('drop_report.samples', report.samples, LIMITS.samples, checkSample)
  );
}

function checkSample(sample: DropSample): string | null {
  if (sample.header.length > LIMITS.header) return `sample.header has over ${LIMITS.header} bytes`;
  return (
    badInteger('sample.observed_us', sample.observed_us, 0, LIMITS.timeUs) ??
    (sample.reason === '' ? 'sample.reason is empty' : null) ??
    badString('sample.reason', sample.reason) ??
    badString('sample.function', sample.function) ??
    badInteger('sample.origin', sample.origin, 0, 255) ??
    badString('sample.trap', sample.trap) ??
    badString('sample.interface', sample.interface) ??
    badString('sample.namespace', sample.namespace) ??
    badInteger('sample.length', sample.length) ??
    badInteger('sample.ether_type', sample.ether_type, 0, 0xffff) ??
    every('sample.flows', sample.flows, LIMITS.flows, (flow) => {
      return (
        badString('flow.source', flow.source) ??
        badString('flow.destination', flow.destination) ??
        badString('flow.protocol', flow.protocol) ??
        badInteger('flow.source_port', flow.source_port, 0, 0xffff) ??
        badInteger('flow.destination_port', flow.destination_port, 0, 0xffff) ??
        every('flow.vlans', flow.vlans, LIMITS.vlans, (vlan) => badInteger('flow.vlan', vlan, 0, 0xfff)) ??
        badInteger('flow.tunnel_id', flow.tunnel_id) ??
        badString('flow.detail', flow.detail)
      );
    })
  );
}

function checkCounterReport(report: CounterReport): string | null {
  return (
    badInteger('counter_report.window_us', report.window_us, 1) ??
    every('counter_report.counters', report.counters, LIMITS.counters, (counter) => {
      return (
        (counter.name === '' ? 'counter.name is empty' : null) ??
        badString('counter.name', counter.name) ??
        badString('counter.interface', counter.interface) ??
        badInteger('counter.delta', counter.delta) ??
        badString('counter.namespace', counter.namespace)
      );
    }) ??
    (report.audit ? checkAudit(report.audit) : null) ??
    every('counter_report.sockets', report.sockets, LIMITS.sockets, (socket) => {
      return (
        badString('socket.protocol', socket.protocol) ??
        badString('socket.local_address', socket.local_address) ??
        badInteger('socket.local_port', socket.local_port, 0, 0xffff) ??
        badInteger('socket.pid', socket.pid, 0, 0xffff_ffff) ??
        badString('socket.process', socket.process) ??
        badString('socket.owner', socket.owner) ??
        badInteger('socket.drops', socket.drops)
      );
    })
  );
}

function checkAudit({ explained, unseen, uncounted, missed_events, unlisted }: Audit): string | null {
  const audited = (drop: AuditedDrop) =>
    badString('audited.reason', drop.reason) ??
    badString('audited.function', drop.function) ??
    badString('audited.protocol', drop.protocol) ??
    badString('audited.counter', drop.counter) ??
    badInteger('audited.events', drop.events);
  return (
    every('audit.explained', explained, LIMITS.audit, audited) ??
    every('audit.unseen', unseen, LIMITS.audit, (loss) => {
      return (
        badString('unseen.counter', loss.counter) ??
        badString('unseen.interface', loss.interface) ??
        badInteger('unseen.count', loss.count)
      );
    }) ??
    every('audit.uncounted', uncounted, LIMITS.audit, audited) ??
    badInteger('audit.missed_events', missed_events) ??
    badInteger('audit.unlisted', unlisted, 0, 0xffff_ffff)
  );
}

function checkCrashWitness(witness: CrashWitness): string | null {
  return (
    (witness.record === '' ? 'crash_witness.record is empty' : null) ??
    badString('crash_witness.record', witness.record) ??
    (witness.source === '' ? 'crash_witness.source is empty' : null) ??
    badString('crash_witness.source', witness.source) ??
    badString('crash_witness.sender', witness.sender) ??
    badInteger('crash_witness.first_us', witness.first_us, 0, LIMITS.timeUs) ??
    badString('crash_witness.kernel', witness.kernel) ??
    badString('crash_witness.boot_id', witness.boot_id) ??
    badString('crash_witness.kind', witness.kind) ??
    badString('crash_witness.line', witness.line) ??
    badInteger('crash_witness.uptime_us', witness.uptime_us)
  );
}

function checkCrashReport(report: CrashReport): string | null {
  if (!report.witness) return 'crash_report.witness is missing';
  return (
    checkCrashWitness(report.witness) ??
    badInteger('crash_report.revision', report.revision, 1, 0xffff_ffff) ??
    badInteger('crash_report.last_us', report.last_us, 0, LIMITS.timeUs) ??
    badInteger('crash_report.last_uptime_us', report.last_uptime_us) ??
    badDigest('crash_report.digest', report.digest) ??
    badInteger('crash_report.bytes', report.bytes) ??
    every('crash_report.holes', report.holes, LIMITS.holes, (hole) => {
      return badInteger('hole.at', hole.at, 0, report.bytes) ?? badInteger('hole.bytes', hole.bytes);
    }) ??
    badInteger('crash_report.unlisted_holes', report.unlisted_holes, 0, 0xffff_ffff) ??
    badInteger('crash_report.wrap_at', report.wrap_at, 0, report.bytes) ??
    badInteger('crash_report.parts', report.parts) ??
    badInteger('crash_report.duplicates', report.duplicates) ??
    badInteger('crash_report.lost_messages', report.lost_messages) ??
    badString('crash_report.hardware', report.hardware) ??
    badInteger('crash_report.parser_version', report.parser_version, report.reading ? 1 : 0, 0xffff_ffff) ??
    (report.reading ? checkReading(report.reading) : null)
  );
}

const readingStrings = ['title', 'type', 'bug', 'corrupted', 'place', 'process', 'taint'] as const;

function checkReading(reading: CrashReading): string | null {
  for (const field of readingStrings) {
    const bad = badString(`reading.${field}`, reading[field]);
    if (bad) return bad;
  }
  const { signature, alternates, frames, guilty, pid, cpu, modules } = reading;
  return (
    (reading.title === '' ? 'reading.title is empty' : null) ??
    (/^\d{1,10}:[0-9a-f]{16}$/.test(signature) ? null : 'reading.signature is no signature') ??
    every('reading.alternates', alternates, LIMITS.alternates, (title) => badString('alternate', title)) ??
    every('reading.frames', frames, LIMITS.frames, (frame) => {
      return (
        badString('frame.function', frame.function) ??
        badOptional('frame.offset', frame.offset) ??
        badString('frame.module', frame.module, LIMITS.moduleName) ??
        badString('frame.passed', frame.passed)
      );
    }) ??
    badInteger('reading.unlisted_frames', reading.unlisted_frames, 0, 0xffff_ffff) ??
    badOptional('reading.guilty', guilty, frames.length - 1) ??
    badOptional('reading.pid', pid) ??
    badOptional('reading.cpu', cpu) ??
    every('reading.modules', modules, LIMITS.modules, (name) => {
      return badString('module', name, LIMITS.moduleName);
    }) ??
    badInteger('reading.unlisted_modules', reading.unlisted_modules, 0, 0xffff_ffff)
  );
}

function checkStoredReading({ digest, parser_version, reading }: StoredReading): string | null {
  return (
    badDigest('reading.digest', digest) ??
    badInteger('reading.parser_version', parser_version, 1, 0xffff_ffff) ??
    (reading ? checkReading(reading) : null)
  );
}

function checkEpoch(epoch: Epoch): string | null {
  return (
    badInteger('epoch.fold_version', epoch.fold_version, 1) ??
    badString('epoch.config_digest', epoch.config_digest) ??
    badString('epoch.catalog_digest', epoch.catalog_digest) ??
    badString('epoch.config', epoch.config, LIMITS.config)
  );
}

function checkClaim(claim: Claim): string | null {
  return (
    badId('claim.holder', claim.holder) ?? badInteger('claim.lease_us', claim.lease_us, 0, 3_600_000_000)
  );
}

function checkDelivered(delivered: Delivered): string | null {
  return (
    badString('delivered.notification_id', delivered.notification_id) ??
    badString('delivered.sink', delivered.sink) ??
    badId('delivered.holder', delivered.holder) ??
    badInteger('delivered.attempts', delivered.attempts) ??
    badString('delivered.error', delivered.error)
  );
}

function checkSwitches({ switches, by }: Switches): string | null {
  return (
    badString('switches.by', by) ??
    every('switches.switches', switches, LIMITS.switches, (one: SourceSwitch) => {
      return (
        (one.source === '' ? 'switch.source is empty' : null) ??
        badString('switch.source', one.source) ??
        badInteger('switch.until_us', one.until_us, 0, LIMITS.timeUs) ??
        every('switch.hosts', one.hosts, LIMITS.switchHosts, (host) => badId('switch.host', host)) ??
        every('switch.labels', one.labels, LIMITS.switchLabels, checkLabel) ??
        badString('switch.why', one.why) ??
        badString('switch.by', one.by)
      );
    })
  );
}

function checkChange(change: Change): string | null {
  const { id, kind, summary, at_us, attributes, hosts, by, url } = change;
  return (
    badId('change.id', id) ??
    (/^[a-z0-9_.-]{1,64}$/.test(kind)
      ? null
      : `change.kind ${JSON.stringify(kind.slice(0, 80))} is no kind`) ??
    (summary === '' ? 'change.summary is empty' : null) ??
    badString('change.summary', summary, LIMITS.comment) ??
    badInteger('change.at_us', at_us, 0, LIMITS.timeUs) ??
    every('change.attributes', attributes, LIMITS.changeAttributes, checkLabel) ??
    every('change.hosts', hosts, LIMITS.changeHosts, (host) => badId('change.host', host)) ??
    badString('change.by', by) ??
    badString('change.url', url)
  );
}

function checkCommand(command: Command): string | null {
  const { by, comment, acknowledge, resolve, comment_on, silence, end_silence } = command;
  const abouts = [acknowledge, resolve, comment_on].filter((one) => one != null);
  // None is what a newer collector's unknown kind looks like.
  if (abouts.length + (silence ? 1 : 0) + (end_silence ? 1 : 0) !== 1)
    return 'command without exactly one kind';
  const [about] = abouts;
  return (
    badString('command.by', by) ??
    badString('command.comment', comment, LIMITS.comment) ??
    (comment_on && comment === '' ? 'command.comment is empty' : null) ??
    (about ? badId('command.incident_id', about.incident_id) : null) ??
    (end_silence ? badId('end_silence.id', end_silence.id) : null) ??
    (silence ? checkSilence(silence) : null)
  );
}

function checkSilence({ id, matchers, from_us, until_us }: Silence): string | null {
  return (
    badId('silence.id', id) ??
    (matchers.length === 0 ? 'silence.matchers is empty' : null) ??
    every('silence.matchers', matchers, LIMITS.matchers, ({ name, value }) => {
      return checkLabel({ key: name, value })?.replace('label.key', 'matcher.name') ?? null;
    }) ??
    badInteger('silence.from_us', from_us, 0, LIMITS.timeUs) ??
    badInteger('silence.until_us', until_us, from_us, LIMITS.timeUs)
  );
}

function badInteger(name: string, value: number, least = 0, most = Number.MAX_SAFE_INTEGER): string | null {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return null;
  return `${name} is ${value}, not an integer from ${least} to ${most}`;
}

/** Of what may be absent. */
function badOptional(name: string, value: number | null, most = 0xffff_ffff): string | null {
  return value === null ? null : badInteger(name, value, 0, most);
}

function badDigest(name: string, value: string): string | null {
  return /^[0-9a-f]{64}$/.test(value) ? null : `${name} is no SHA-256 in hex`;
}

function badString(name: string, value: string, most: number = LIMITS.string): string | null {
  if (value.length > most) return `${name} has over ${most} characters`;
  // Half a surrogate pair encodes to bytes that no decoder takes.
  return value.isWellFormed() ? null : `${name} is no well-formed text`;
}

function badId(name: string, value: string): string | null {
  return isId(value) ? null : `${name} ${JSON.stringify(value.slice(0, 80))} is no id`;
}

function every<T>(
  name: string,
  list: readonly T[],
  most: number,
  check: (item: T) => string | null,
): string | null {
  if (list.length > most) return `${name} has over ${most} elements`;
  for (let i = 0; i < list.length; i++) {
    const bad = check(list[i] as T);
    if (bad) return bad;
  }
  return null;
}
