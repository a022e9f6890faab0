/**
 * Random logs for tests of determinism: a small fleet that surges, falls silent, repeats and reorders its messages and
 * restarts, and whose agents hear and find crashes; collectors that claim and deliver; operators that silence, and changes
 * that are announced; outages; entries that must be rejected; epochs.
 */
import type { Flow, Item, StoredReading } from '@netfall/proto';
import { type FoldConfig, INITIAL_CONFIG } from '../config.ts';
import { EpochBarrier, Fold } from '../fold.ts';
import { anInventory, aReading, aReport, aWitness } from './crash-items.ts';
import { aSample, CELL, START_US, Story, testRules } from './story.ts';

/** A generator of numbers 0 ≤ n < below, the same for the same seed (mulberry32). */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const SIGNALS = [
  'NO_SOCKET/__udp4_lib_rcv',
  'SOCKET_RCVBUFF/udp_queue_rcv',
  'QUEUE_PURGE/purge',
  'TCP_CSUM/tcp_v4_rcv',
];

export interface RandomLogOptions {
  readonly seed: number;
  readonly entries: number;
  /** At this entry an epoch of fold version 2 begins. */
  readonly upgradeAt?: number;
}

export function randomLog({ seed, entries, upgradeAt }: RandomLogOptions): Story {
  const draw = numbers(seed);
  // Of its own, so that what else happens is the same without crashes.
  const drawCrash = numbers(seed + 1);
  const drawOrder = numbers(seed + 2);
  const story = new Story();
  const hosts = Array.from({ length: 12 }, (_, i) => ({
    id: `h${i}`,
    seq: 1,
    incarnation: 1,
    surge: -1,
    until: 0,
  }));
  const scout = new Scout();
  let at = 0;
  let version = 1;
  story.epoch(at, shortLived(3));
  while (story.entries.length < entries) {
    if (story.entries.length + 1 === upgradeAt) {
      version = 2;
      story.epoch(at, {}, version);
      continue;
    }
    // Few, and of logs that reports are of.
    if (drawCrash(40) === 0) {
      story.read(at, { digest: String(drawCrash(9)).repeat(64), ...read(drawCrash) });
      continue;
    }
    if (drawOrder(40) === 0) {
      order(story, at, drawOrder, scout);
      continue;
    }
    // Mostly some tens of milliseconds, now and then an outage.
    at += draw(400) === 0 ? 3 + draw(60) : draw(200) / 1000;
    const kind = draw(100);
    const host = hosts[draw(hosts.length)] as (typeof hosts)[0];
    // Now and then a stamp that is ahead.
    if (kind < 3) story.tick(at + (story.entries.length % 50 === 0 ? 20 : 0));
    else if (kind < 4 && story.entries.length % 4 === 0) story.switches(at, { s1: 20, s2: 5 });
    else if (kind < 5) story.claim(at, `r${draw(2)}`, draw(3) * 5);
    else if (kind < 15) {
      const known = scout.notifications(story);
      const id = known[draw(known.length + 1)] ?? 'i1-0/firing';
      story.delivered(at, id, draw(2) ? 'chat' : 'pager', draw(3) ? '' : 'no');
    } else if (kind < 16)
      story.say(at, `netfall.${CELL}.host.${host.id}`, new Uint8Array([draw(256), draw(256), draw(256)]));
    else if (kind < 17)
      story.say(at, `netfall.${CELL}.host.stranger`, story.entries.at(-1)?.data ?? new Uint8Array());
    else if (kind < 18 && draw(5) === 0) {
      story.epoch(at, shortLived(1 + draw(8)), version);
    } else if (kind < 19) host.until = at + draw(40);
    else if (at >= host.until) speak(story, at, host, draw, crashItems(at, drawCrash));
  }
  return story;
}

/** What an operator or a deployment tool says: of few ids, so that they replace, end and refuse one another. */
function order(story: Story, at: number, draw: (below: number) => number, scout: Scout): void {
  const kind = draw(12);
  const id = `o${draw(6)}`;
  if (kind < 3) {
    const at_us = draw(2) * (START_US + Math.round(at * 1e6) + (draw(3) - 1) * 60_000_000);
    story.change(at, id, { at_us, hosts: draw(2) ? [`h${draw(12)}`] : [], summary: `step ${draw(9)}` });
  } else if (kind < 6) {
    const from_us = draw(2) * (START_US + Math.round(at * 1e6) + draw(30) * 1_000_000);
    const [name = '', value = ''] =
      [
        ['rack', 'r1'],
        ['reason', 'NO_*'],
        ['host', 'h1*'],
        ['kind', '*'],
      ][draw(4)] ?? [];
    const matchers = [{ name, value, not: draw(4) === 0 }];
    story.silence(at, id, draw(60), { from_us, matchers, maintenance: draw(2) === 0 }, `why ${draw(9)}`);
  } else if (kind < 8) story.command(at, { end_silence: { id } });
  else {
    const known = scout.incidents(story);
    const about = { incident_id: known[draw(known.length + 1)] ?? 'i1-0' };
    const what = [{ acknowledge: about }, { resolve: about }, { comment_on: about }][draw(3)] ?? {};
    story.command(at, what, `why ${draw(9)}`);
  }
}

/** Folds along, so that deliveries and operators can name notifications and incidents that exist. */
class Scout {
  readonly #fold = new Fold(testRules);
  #read = 0;

  notifications(story: Story): string[] {
    this.#follow(story);
    return Array.from(this.#fold.rows().notifications, ({ id }) => id);
  }

  incidents(story: Story): string[] {
    this.#follow(story);
    return Array.from(this.#fold.incidents(), ({ id }) => id);
  }

  #follow(story: Story): void {
    for (const entry of story.entries.slice(this.#read)) {
      try {
        this.#fold.apply(entry);
      } catch (error) {
        // It stays with the first version's rules: near enough for names.
        if (!(error instanceof EpochBarrier)) throw error;
      }
    }
    this.#read = story.entries.length;
  }
}

/** Incidents that come and go within seconds, so that a short log holds many whole lives. */
function shortLived(seconds: number): Partial<FoldConfig> {
  return {
    sinks: ['chat', 'pager'],
    detect: { ...INITIAL_CONFIG.detect, sustain_ms: 1000, quiet_ms: 1000 * seconds, learn_s: 60 },
    limits: { ...INITIAL_CONFIG.limits, forget_host_s: 15 + 3 * seconds },
    crashes: { history: 12, records_per_host: 12 },
    incident: {
      hold_down_s: seconds,
      close_after_s: 20,
      max_hosts: 3,
      crash_quiet_s: 10,
      runbook: '',
      history: 10,
    },
  };
}

function speak(
  story: Story,
  at: number,
  host: { id: string; seq: number; incarnation: number; surge: number },
  draw: (below: number) => number,
  more: readonly Item[],
): void {
  if (draw(60) === 0) {
    host.incarnation++;
    host.seq = 1;
  }
  if (draw(15) === 0) host.surge = draw(SIGNALS.length + 2) - 2;
  const repeated = draw(12) === 0;
  const skipped = draw(20) === 0 ? draw(4) : 0;
  const seq = repeated ? 1 + draw(host.seq) : host.seq + skipped;
  if (!repeated) host.seq = seq + 1;
  const drops: Record<string, number> = { 'TCP_CSUM/tcp_v4_rcv': draw(3) };
  const surging = SIGNALS[host.surge];
  if (surging) drops[surging] = 100 + draw(5000);
  const samples = surging
    ? Array.from({ length: draw(3) }, () =>
        aSample(surging, { length: draw(1500), flows: [towards(draw(4))] }),
      )
    : [];
  story.report(at, host.id, {
    drops,
    samples,
    seq,
    oldestSeq: Math.max(1, seq - draw(6)),
    incarnation: String(host.incarnation).padStart(4, '0'),
    windowS: 1 + draw(3),
    clockS: draw(5) - 2,
    intervalMs: 1000 * (1 + draw(10)),
    sources: { s1: seq % 8 === 0 ? 4 : 1 },
    losses: draw(4) === 0 ? [{ source: `s${draw(70)}`, hop: 'overflow', count: draw(100) }] : [],
    items: [...more, ...(draw(80) === 0 ? [{ goodbye: { reason: 'SIGTERM' } }] : [])],
  });
}

/** To one of few addresses, which hosts come to have and lose. */
function towards(host: number): Flow {
  const ends = { source: '10.1.2.3', source_port: 1, destination: `10.0.0.${host}`, destination_port: 2 };
  return { ...ends, protocol: 'UDP', detail: '', vlans: [], tunnel_id: 0 };
}

/**
 * What a message says of crashes: mostly nothing. Few names, addresses, moments and lines, so that records come again, out
 * of order, and turn out to be of one crash, or not.
 */
function crashItems(at: number, draw: (below: number) => number): Item[] {
  if (draw(12) === 0) {
    const labels = [{ key: 'rack', value: `r${draw(3)}` }];
    const addresses = [draw(5), draw(5)].map((n) => `10.0.0.${n}`);
    return [{ inventory: anInventory({ addresses, kernel: `6.${draw(2)}`, vendor: 'V', labels }) }];
  }
  return Array.from({ length: Math.max(0, draw(9) - 6) }, (): Item => {
    const own = draw(4) === 0;
    const witness = aWitness({
      record: `r${draw(6)}`,
      source: (own ? ['pstore', 'kmsg'] : ['netconsole', 'netoops'])[draw(2)] ?? '',
      sender: own ? '' : `10.0.0.${draw(8)}`,
      first_us: START_US + Math.round(at * 1e6) - draw(3) * 90_000_000,
      kernel: draw(3) === 0 ? '' : `6.${draw(3)}`,
      boot_id: draw(4) === 0 ? String(draw(2)) : '',
      ...(draw(3) === 0 ? { kind: '', line: '' } : { line: `panic ${draw(3)}` }),
      uptime_us: draw(4) * 40_000_000,
    });
    if (draw(2) === 0) return { crash_witness: witness };
    const holes = Array.from({ length: draw(3) }, (_, i) => ({ at: i * 10, bytes: draw(100), exact: true }));
    const digest = String(draw(9)).repeat(64);
    const hardware = draw(2) === 0 ? 'V P/B, BIOS 1' : 'W';
    return {
      crash_report: aReport(witness, { revision: 1 + draw(3), digest, holes, hardware, ...read(draw) }),
    };
  });
}

/** What some parser makes of a log. */
function read(draw: (below: number) => number): Omit<StoredReading, 'digest'> {
  const parser_version = 1 + draw(4);
  const corrupted = draw(3) === 0 ? 'cut' : '';
  const signature = `7:${String(draw(4)).repeat(16)}`;
  return { parser_version, reading: draw(5) === 0 ? null : aReading({ signature, corrupted }) };
}
