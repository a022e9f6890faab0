/** For tests: what agents say of crashes, and records as the fold keeps them. */
import type { CrashReading, CrashReport, CrashWitness, Inventory } from '@netfall/proto';
import type { StoredRecord } from '../crash.ts';
import { START_US } from './story.ts';

/** A relay's netconsole hears the first line of a panic, ten seconds into the story. */
export function aWitness(part: Partial<CrashWitness> = {}): CrashWitness {
  return {
    record: 'r1',
    source: 'netconsole',
    sender: '10.0.0.7',
    first_us: START_US + 10_000_000,
    kernel: '6.1.0-18-amd64',
    boot_id: '',
    kind: 'panic',
    line: 'Kernel panic - not syncing: sysrq triggered crash',
    uptime_us: 100_000_000,
    ...part,
  };
}

/** The same once nothing more came. */
export function aReport(
  witness: Partial<CrashWitness> = {},
  part: Partial<Omit<CrashReport, 'witness'>> = {},
): CrashReport {
  const whole = aWitness(witness);
  return {
    witness: whole,
    revision: 1,
    last_us: whole.first_us + 1_000_000,
    last_uptime_us: whole.uptime_us + 1_000_000,
    digest: 'a'.repeat(64),
    bytes: 4000,
    complete: true,
    holes: [],
    unlisted_holes: 0,
    wrap_at: 0,
    parts: 4,
    duplicates: 0,
    lost_messages: 0,
    hardware: '',
    reading: null,
    parser_version: 0,
    ...part,
  };
}

/** What a parser reads off a log of which the end is left: a panic in a module. */
export function aReading(part: Partial<CrashReading> = {}): CrashReading {
  const frame = { offset: 16, module: '', reliable: true, inline: false, passed: '' };
  return {
    title: 'kernel BUG in nvme_queue_rq',
    alternates: ['bug in nvme_queue_rq'],
    type: 'bug',
    bug: 'bug in nvme_queue_rq',
    corrupted: '',
    signature: '1:64a1643594c7e212',
    place: 'nvme_queue_rq',
    frames: [
      { ...frame, function: '_raw_spin_lock', passed: 'locking' },
      { ...frame, function: 'nvme_queue_rq', offset: 0, module: 'nvme' },
      { ...frame, function: 'blk_mq_dispatch', offset: null, inline: true },
      { ...frame, function: 'blk_mq_run', reliable: false },
    ],
    unlisted_frames: 0,
    guilty: 1,
    process: 'kworker/u8:2',
    pid: 77,
    cpu: 0,
    taint: 'GW',
    modules: ['nvme', 'nvme_core'],
    unlisted_modules: 0,
    ...part,
  };
}

export function anInventory(part: Partial<Inventory> = {}): Inventory {
  const unknown = { gateway: '', gateway_mac: '', subnet: '', image: '', cmdline_digest: '' };
  const hardware = { vendor: '', product: '', cpu: '', microcode: '' };
  return { hostname: '', addresses: [], kernel: '', ...unknown, ...hardware, nics: [], labels: [], ...part };
}

/** What the fold keeps of aWitness(). */
export function aRecord(part: Partial<StoredRecord> = {}): StoredRecord {
  return {
    host_id: 'relay',
    hostname: 'relay',
    record: 'r1',
    source: 'netconsole',
    sender: '10.0.0.7',
    known_us: START_US + 10_000_000,
    reported_us: 0,
    first_us: START_US + 10_000_000,
    last_us: START_US + 10_000_000,
    kernel: '',
    boot_id: '',
    hardware: '',
    kind: 'panic',
    line: 'Kernel panic - not syncing: sysrq triggered crash',
    uptime_us: 100_000_000,
    last_uptime_us: 0,
    revision: 0,
    digest: '',
    bytes: 0,
    complete: false,
    holes: [],
    unlisted_holes: 0,
    wrap_at: 0,
    parts: 0,
    duplicates: 0,
    lost_messages: 0,
    parser_version: 0,
    reading: null,
    crashed: null,
    holders: [],
    ...part,
  };
}
