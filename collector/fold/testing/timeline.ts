/**
 * For tests: stories of a fleet, told line by line, and what a fold makes of them, line by line as well. A story is a script:
 *
 *   fleet  40 hosts: rack r1..r4 of 10, gateway_mac by rack
 *   01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
 *   01:30  ann acknowledges A "on it"
 *   04:00  rack=r2 recovers
 *   08:00  end
 *
 * What has no time was so before: the fleet has been known for eleven minutes when the story begins. timeline-verbs.ts has
 * all that may happen. Every story is folded twice: straight, and by replicas that are restored from each other's
 * rows again and again. What is read has to be the same.
 */
import { expect } from 'vitest';
import { rowsDigest } from '../../store/digest.ts';
import { type FoldConfig, INITIAL_CONFIG } from '../config.ts';
import { Fold, type FoldEntry } from '../fold.ts';
import { restored, shuffler } from './restored.ts';
import { Story, testRules } from './story.ts';
import { Fleet, factOf, KNOWN_S, type SimHost } from './timeline-fleet.ts';
import { Transcript } from './timeline-transcript.ts';
import { VERBS } from './timeline-verbs.ts';

/** Replicas of the second run are restored after so many entries; of a large fleet after one round of its hosts. */
const RESTART_EVERY = 97;

/** What stories go by, however the defaults are tuned: their seconds come of these. */
const CONFIG: FoldConfig = {
  ...INITIAL_CONFIG,
  correlate: { chance_ppm: 2000, alone_s: 15, small_fleet: 10 },
  sinks: ['pager'],
};

/** How often somebody says that time passes before the story begins. */
const TICK_S = 2;

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
      expect(restarting.digest, 'rows of replicas that restart').toBe(told.digest());
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

/** A script as it is told: its fleet, its log, and the fold that reads along. */
export class Timeline {
  readonly transcript = new Transcript();
  readonly fleet = new Fleet();
  readonly log = new Story();
  fold = new Fold(testRules);
  nowS = KNOWN_S;
  awayUntilS = KNOWN_S;
  isOver = false;
  #config: FoldConfig = CONFIG;
  readonly #steps: Step[] = [];
  #asked: (readonly [string, string])[] = [];

  constructor(script: string) {
    const lines = readLines(script);
    this.log.epoch(this.nowS, this.#config);
    let next = 0;
    for (; lines[next]?.atS === KNOWN_S; next++) this.#do(lines[next] as Line);
    this.#meet();
    for (; !this.isOver; this.nowS++) {
      for (; lines[next] && (lines[next] as Line).atS <= this.nowS; next++) this.#do(lines[next] as Line);
      if (next === lines.length && !this.isOver) throw new Error('a story needs a line that says "end"');
      this.#pass();
    }
  }

  digest(): string {
    return rowsDigest(this.fold.rows());
  }

  /** The same log by replicas that are restored from one another after every so many entries. */
  retold(every = Math.max(RESTART_EVERY, this.fleet.hosts.length + 1)): {
    readonly lines: readonly string[];
    readonly digest: string;
  } {
    const transcript = new Transcript();
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

  /** The fleet is first heard of, and time passes until the story begins. */
  #meet(): void {
    this.fleet.count(1);
    this.#pass();
    this.fleet.count(-KNOWN_S - 1);
    for (let atS = KNOWN_S + TICK_S; atS < 0; atS += TICK_S) this.log.tick(atS);
    this.#read();
    this.nowS = 0;
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
    fleet.count(1);
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
    const atS = timed ? Number(timed[1]) * 60 + Number(timed[2]) : KNOWN_S;
    if (atS < (lines.at(-1)?.atS ?? KNOWN_S))
      throw new Error(`line ${i + 1}, "${text}": it is earlier than the line before`);
    lines.push({ number: i + 1, atS, text: timed?.[3] ?? text });
  }
  return lines;
}
