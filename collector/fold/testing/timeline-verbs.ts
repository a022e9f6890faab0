/**
 * For tests: what may happen in a timeline, one line of it each. Must not know when.
 */
import type { Timeline } from './timeline.ts';
import { factOf, type SimHost } from './timeline-fleet.ts';

type Verb = (timeline: Timeline, ...parts: string[]) => void;

/** Lines by their form, without the time; of several forms that fit the first. */
export const VERBS: readonly (readonly [RegExp, Verb])[] = [
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
    /^(.+) crash(?:es)? "(.+?)"(?:, heard by (.+?))?(, unread)?$/,
    (t, who, title, relays, unread) => {
      const heard = relays ? t.who(relays) : [];
      each(t, who, (host) => t.fleet.crash(host, t.nowS, unread ? null : (title as string), heard));
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
    /^(?:every (\d+)th message|messages) of (.+) comes? (\d+) s late$/,
    (t, every, who, seconds) =>
      each(t, who, (host) => {
        host.delayS = Number(seconds);
        host.delayEvery = Number(every) || 1;
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
