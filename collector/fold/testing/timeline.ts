/**
 * For tests: stories of a fleet, told line by line, and what a fold makes of them, line by line as well. A story is a script:
 *
 *   fleet  40 hosts: rack r1..r4 of 10, gateway_mac by rack
 *   01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
 *   01:30  ann acknowledges A "on it"
 *   04:00  rack=r2 recovers
 *   08:00  end
 *
 * VERBS has all that may happen. Every story is folded twice: straight, and by replicas that are restored from each other's
 * rows again and again. What is read has to be the same.
 */
import { expect } from 'vitest';
import { rowsDigest } from '../../store/digest.ts';
import { type FoldConfig, INITIAL_CONFIG } from '../config.ts';
import { Fold, type FoldEntry } from '../fold.ts';
import { restored, shuffler } from './restored.ts';
import { Story, testRules } from './story.ts';
import { Fleet, factOf, type SimHost } from './timeline-fleet.ts';
import { Transcript } from './timeline-transcript.ts';

/** Replicas of the second run are restored after so many entries; of a large fleet after one round of its hosts. */
const RESTART_EVERY = 97;

/** A story to be read. Throws where a line is none that is known. */
export function story(script: string): { readonly lines: readonly string[]; reads(expected: string): void } {
  const told = new Timeline(script);
  return {
    lines: told.transcript.lines,
    reads(expected) {
      const straight = told.transcript.lines.join('\n');
      expect(straight).toBe(tidy(expected));
      const restarting = told.retold();
      expect(restarting.lines.join('\n'), 'with replicas that restart').toBe(straight);
      expect(restarting.digest, 'rows of replicas that restart').toBe(rowsDigest(told.fold.rows()));
    },
  };
}

/** Lines without what is only there for the eye. */
function tidy(text: string): string {
  const lines = text.split('\n').map((line) => line.trim().replace(/\s+/g, ' '));
  return lines.filter((line) => line !== '').join('\n');
}

type Step =
  | { readonly entry: FoldEntry }
  | { readonly ask: readonly [letter: string, question: string] }
  | 'restart';

class Timeline {
  readonly transcript = new Transcript();
  readonly fleet = new Fleet();
  readonly log = new Story();
  fold = new Fold(testRules);
  nowS = 0;
  awayUntilS = 0;
  isOver = false;
  #config: FoldConfig = { ...INITIAL_CONFIG, sinks: ['pager'] };
  readonly #steps: Step[] = [];
  #asked: (readonly [string, string])[] = [];

  constructor(script: string) {
    const lines = readLines(script);
    this.log.epoch(0, this.#config);
    for (let next = 0; !this.isOver; this.nowS++) {
      for (; lines[next] && (lines[next] as Line).atS <= this.nowS; next++) this.#do(lines[next] as Line);
      if (next === lines.length && !this.isOver) throw new Error('a story needs a line that says "end"');
      this.#pass();
    }
  }

  /** The same log by replicas that are restored from one another. */
  retold(): { readonly lines: readonly string[]; readonly digest: string } {
    const transcript = new Transcript();
    const every = Math.max(RESTART_EVERY, this.fleet.hosts.length + 1);
    let fold = new Fold(testRules);
    let entries = 0;
    for (const step of this.#steps) {
      if (step === 'restart') fold = restart(fold, entries);
      else if ('ask' in step) transcript.ask(fold, ...step.ask);
      else {
        fold.apply(step.entry);
        transcript.watch(fold);
        if (++entries % every === 0) fold = restart(fold, entries);
      }
    }
    return { lines: transcript.lines, digest: rowsDigest(fold.rows()) };
  }

  /** Changes the configuration, e.g. "incident.hold_down_s" to 10. */
  configure(key: string, value: number): void {
    const [section = '', name = ''] = key.split('.');
    const config: Record<string, unknown> = { ...this.#config };
    config[section] = { ...(config[section] as object), [name]: value };
    this.#config = config as FoldConfig;
    this.log.epoch(this.nowS, this.#config);
  }

  /** Asks something of an incident once this second is over. */
  ask(letter: string, question: string): void {
    this.#asked.push([letter, question]);
  }

  restart(): void {
    this.#steps.push('restart');
    this.fold = restart(this.fold, this.nowS);
  }

  /** Hosts by name, range, attribute: "h03..h09, rack=r1 & pool=web, 3 of rack=r2, all but h1". */
  who(text: string): readonly SimHost[] {
    const [wanted = '', but] = text.split(' but ');
    const not = but === undefined ? [] : this.who(but);
    const chosen = wanted.split(',').flatMap((part) => this.#chosen(part.trim()));
    return chosen.filter((host) => !not.includes(host));
  }

  one(text: string): SimHost {
    const [host, ...more] = this.who(text);
    if (!host || more.length > 0) throw new Error(`"${text}" is not one host`);
    return host;
  }

  #chosen(text: string): readonly SimHost[] {
    const { hosts } = this.fleet;
    const some = /^(\d+) of (.+)$/.exec(text);
    if (some) return this.#chosen(some[2] as string).slice(0, Number(some[1]));
    const [from = '', to = from] = text.split('..');
    const wanted = text.split(' & ').map((part) => part.split('=') as [string, string?]);
    const found = hosts.filter(({ id, attributes }) => {
      if (text === 'all' || (id >= from && id <= to && id.length === from.length)) return true;
      return wanted.every(
        ([key, value]) => value !== undefined && attributes.get(key) === factOf(key, value),
      );
    });
    if (found.length === 0) throw new Error(`there is no host "${text}"`);
    return found;
  }

  #do({ text, number }: Line): void {
    for (const [pattern, act] of VERBS) {
      const match = pattern.exec(text);
      if (!match) continue;
      try {
        act(this, ...match.slice(1).map((part) => part ?? ''));
      } catch (error) {
        throw new Error(`line ${number}, "${text}": ${(error as Error).message}`, { cause: error });
      }
      this.#read();
      return;
    }
    throw new Error(`line ${number}, "${text}": nothing like it happens in VERBS`);
  }

  #pass(): void {
    const { fleet, nowS } = this;
    const isLogAway = nowS < this.awayUntilS;
    const messages = fleet.pass(nowS, isLogAway);
    // Within the second, in the order in which they came.
    for (const [i, { host, sealedS, report }] of messages.entries()) {
      const atS = nowS + (i + 1) / (messages.length + 2);
      this.log.report(atS, host, { ...report, clockS: (report.clockS ?? 0) + sealedS - nowS });
    }
    if (messages.length === 0 && !isLogAway) this.log.tick(nowS + 0.5);
    this.#read();
    for (const [letter, question] of this.#asked) {
      this.#steps.push({ ask: [letter, question] });
      this.transcript.ask(this.fold, letter, question);
    }
    this.#asked = [];
    fleet.count();
  }

  #read(): void {
    const { entries } = this.log;
    for (const entry of entries.slice(this.fold.sequence)) {
      this.#steps.push({ entry });
      this.fold.apply(entry);
      this.transcript.watch(this.fold);
    }
  }
}

/** A replica that goes on from another one's rows. */
function restart(fold: Fold, seed: number): Fold {
  return new Fold(testRules, restored(fold.rows(), shuffler(seed)));
}

interface Line {
  readonly number: number;
  readonly atS: number;
  readonly text: string;
}

function readLines(script: string): readonly Line[] {
  const lines: Line[] = [];
  for (const [i, raw] of script.split('\n').entries()) {
    const text = raw.trim().replace(/\s+/g, ' ');
    if (text === '') continue;
    const timed = /^(\d+):(\d\d) (.+)$/.exec(text);
    const atS = timed ? Number(timed[1]) * 60 + Number(timed[2]) : 0;
    if (atS < (lines.at(-1)?.atS ?? 0))
      throw new Error(`line ${i + 1}, "${text}": it is earlier than the line before`);
    lines.push({ number: i + 1, atS, text: timed?.[3] ?? text });
  }
  return lines;
}

type Verb = (timeline: Timeline, ...parts: string[]) => void;

/** What may happen, and who it happens to. */
const VERBS: readonly (readonly [RegExp, Verb])[] = [
  [
    /^fleet (\d+) hosts?(?:: (.+))?$/,
    (t, count, attributes) => makeFleet(t, Number(count), attributes ?? ''),
  ],
  [
    /^end$/,
    (t) => {
      t.isOver = true;
    },
  ],
  [/^all are well$/, () => {}],
  [
    /^(.+) usually drops? (\S+) at (\d+)\/s$/,
    (t, who, signal, rate) => each(t, who, (host) => host.usual.set(signal as string, Number(rate))),
  ],
  [
    /^(.+) drops? (\S+) at (\d+)\/s(?: towards (\S+))?$/,
    (t, who, signal, rate, towards) => {
      const target = towards ? t.one(towards).id : '';
      each(t, who, (host) => t.fleet.drop(host, t.nowS, signal as string, Number(rate), target));
    },
  ],
  [
    /^(.+) flaps? (\S+) at (\d+)\/s, on (\d+) s, off (\d+) s, (\d+) times$/,
    (t, who, signal, rate, on, off, times) =>
      each(t, who, (host) => {
        for (let i = 0; i < Number(times); i++) {
          const atS = t.nowS + i * (Number(on) + Number(off));
          t.fleet.later(atS, () => t.fleet.drop(host, atS, signal as string, Number(rate)));
          t.fleet.later(atS + Number(on), () => t.fleet.recover(host, atS + Number(on), signal));
        }
      }),
  ],
  [
    /^(.+) loses? packets by (\S+) at (\d+)\/s$/,
    (t, who, counter, rate) =>
      each(t, who, (host) => t.fleet.lose(host, t.nowS, counter as string, Number(rate))),
  ],
  [
    /^(.+) carr(?:y|ies) (\d+) times the traffic$/,
    (t, who, times) =>
      each(t, who, (host) => {
        host.load = Number(times);
      }),
  ],
  [
    /^(.+) recovers?(?: from (\S+))?$/,
    (t, who, signal) => each(t, who, (host) => t.fleet.recover(host, t.nowS, signal || undefined)),
  ],
  [/^(.+) falls? silent$/, (t, who) => each(t, who, (host) => t.fleet.stop(host))],
  [/^(.+) speaks? again$/, (t, who) => each(t, who, (host) => t.fleet.start(host, t.nowS))],
  [/^(.+) (?:is|are) cut off$/, (t, who) => each(t, who, (host) => t.fleet.cutOff(host))],
  [/^(.+) (?:is|are) reconnected$/, (t, who) => each(t, who, (host) => t.fleet.reconnect(host, t.nowS))],
  [/^(.+) stops?$/, (t, who) => each(t, who, (host) => t.fleet.goodbye(host, t.nowS))],
  [/^(.+) starts?$/, (t, who) => each(t, who, (host) => t.fleet.start(host, t.nowS))],
  [/^(.+) loses? (?:its|their) spools?$/, (t, who) => each(t, who, (host) => t.fleet.loseSpool(host))],
  [
    /^(.+) comes? to (\S+) (\S+)$/,
    (t, who, key = '', value = '') =>
      each(t, who, (host) => t.fleet.come(host, t.nowS, key, factOf(key, value))),
  ],
  [
    /^(.+) crash(?:es)? "(.+)"(?:, heard by (\S+))?$/,
    (t, who, title, relay) => {
      const heard = relay ? t.one(relay) : null;
      each(t, who, (host) => t.fleet.crash(host, t.nowS, title as string, heard));
    },
  ],
  [
    /^(.+) boots?( with pstore)?$/,
    (t, who, pstore) => each(t, who, (host) => t.fleet.boot(host, t.nowS, pstore !== '')),
  ],
  [
    /^(.+) (?:is|are) (\d+) s (ahead|behind)$/,
    (t, who, seconds, which) =>
      each(t, who, (host) => {
        host.clockS = Number(seconds) * (which === 'ahead' ? 1 : -1);
      }),
  ],
  [
    /^messages of (.+) come (\d+) s late$/,
    (t, who, seconds) =>
      each(t, who, (host) => {
        host.delayS = Number(seconds);
      }),
  ],
  [
    /^messages of (.+) come twice$/,
    (t, who) =>
      each(t, who, (host) => {
        host.isDoubled = true;
      }),
  ],
  [
    /^the log is away for (.+)$/,
    (t, time) => {
      t.awayUntilS = t.nowS + secondsOf(time);
    },
  ],
  [/^the replica restarts$/, (t) => t.restart()],
  [/^epoch (\S+)=(\d+)$/, (t, key, value) => t.configure(key as string, Number(value))],
  [
    /^(\S+) claims for (.+)$/,
    (t, replica, time) => {
      t.log.claim(t.nowS, replica as string, secondsOf(time));
    },
  ],
  [
    /^(\S+) delivers ([A-Z])'s (page|resolution)$/,
    (t, _replica, letter, what) => {
      const kind = what === 'page' ? 'firing' : 'resolved';
      t.log.delivered(t.nowS, `${t.transcript.idOf(letter as string)}/${kind}`, 'pager');
    },
  ],
  [
    /^(\S+) announces "(.+)"(?: of (.+?))?(?: on (.+))?$/,
    (t, by, summary = '', attributes, hosts) => {
      const items = attributes
        ? matchersOf(t, attributes).map(({ name, value }) => ({ key: name, value }))
        : [];
      const ids = hosts ? t.who(hosts).map(({ id }) => id) : [];
      t.log.change(t.nowS, `change-${t.nowS}`, { summary, attributes: items, hosts: ids, by: by as string });
    },
  ],
  [
    /^ann (acknowledges|resolves|comments on) ([A-Z])(?: "(.*)")?$/,
    (t, what, letter, comment) => {
      const about = { incident_id: t.transcript.idOf(letter as string) };
      const kinds: Record<string, string> = { acknowledges: 'acknowledge', resolves: 'resolve' };
      t.log.command(t.nowS, { [kinds[what as string] ?? 'comment_on']: about }, comment);
    },
  ],
  [
    /^ann (silences|maintains) (.+) for (.+) as (\S+)$/,
    (t, what, matchers, time, id) => {
      const part = { matchers: matchersOf(t, matchers as string), maintenance: what === 'maintains' };
      t.log.silence(t.nowS, id as string, secondsOf(time), part);
    },
  ],
  [
    /^ann ends (\S+)$/,
    (t, id) => {
      t.log.command(t.nowS, { end_silence: { id: id as string } });
    },
  ],
  [/^([A-Z])'s (\S+)\?$/, (t, letter, question) => t.ask(letter as string, question as string)],
];

function each(t: Timeline, who: string | undefined, act: (host: SimHost) => void): void {
  for (const host of t.who(who ?? '')) act(host);
}

/** E.g. "90 s", "12 min". */
function secondsOf(text = ''): number {
  const match = /^(\d+) (s|min)$/.exec(text);
  if (!match) throw new Error(`"${text}" is no time: say "90 s" or "12 min"`);
  return Number(match[1]) * (match[2] === 'min' ? 60 : 1);
}

/** E.g. "rack=r12, reason!=NO_SOCKET, incident=A". */
function matchersOf(t: Timeline, text: string) {
  return text.split(', ').map((part) => {
    const match = /^(\w+)(!?)=(.+)$/.exec(part);
    if (!match) throw new Error(`"${part}" is no matcher: say "rack=r1" or "rack!=r1"`);
    const [, name = '', not, value = ''] = match;
    return { name, value: wantedOf(t, name, value), not: not === '!' };
  });
}

function wantedOf({ transcript }: Timeline, name: string, value: string): string {
  if (name === 'incident') return transcript.idOf(value);
  return name === 'fingerprint' ? transcript.fingerprintOf(value) : factOf(name, value);
}

/**
 * Attributes: "rack r1..r4 of 10", ten hosts after ten; "pool web|db in turn"; "gateway_mac by rack", one for each; and
 * "kernel 6.1", all.
 */
function makeFleet(t: Timeline, count: number, attributes: string): void {
  const clauses = attributes.split(', ').filter((clause) => clause !== '');
  const digits = String(count).length;
  for (let i = 0; i < count; i++) {
    const has = new Map<string, string>();
    for (const clause of clauses) {
      const [key = '', ...rest] = clause.split(' ');
      const value = attributeOf(rest.join(' '), i, has);
      if (value === undefined) throw new Error(`"${clause}" tells no attribute`);
      has.set(key, factOf(key, value));
    }
    t.fleet.add(`h${String(i + 1).padStart(digits, '0')}`, has);
  }
}

function attributeOf(how: string, i: number, has: ReadonlyMap<string, string>): string | undefined {
  const blocks = /^(\D*)(\d+)\.\.\D*\d+ of (\d+)$/.exec(how);
  if (blocks) return `${blocks[1]}${Number(blocks[2]) + Math.floor(i / Number(blocks[3]))}`;
  const turns = /^(\S+) in turn$/.exec(how)?.[1]?.split('|');
  if (turns) return turns[i % turns.length];
  const by = /^by (\S+)$/.exec(how)?.[1];
  if (by !== undefined) return has.has(by) ? `of-${has.get(by)}` : undefined;
  return /^\S+$/.test(how) ? how : undefined;
}
