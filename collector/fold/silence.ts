/**
 * One silence: when it holds, and what it is about. Pure functions; what is done with an incident that one fits is not
 * known here.
 */
import type { Matcher } from '@netfall/proto';
import type { Incident } from './model.ts';

/** Trouble that nobody is to be told of for a time. */
export interface SilenceRecord {
  readonly id: string;
  /** All have to fit. */
  readonly matchers: readonly Matcher[];
  readonly from_us: number;
  readonly until_us: number;
  /** Planned work, and no verdict on an alert. */
  readonly maintenance: boolean;
  readonly by: string;
  readonly comment: string;
  /** Log time. */
  readonly created_us: number;
  /** When an operator ended it before its time, log time; 0 when none did. */
  readonly ended_us: number;
  readonly ended_by: string;
  readonly ended_comment: string;
}

/** What matchers see of a host. */
export interface MatchedHost {
  readonly id: string;
  readonly hostname: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Names of matchers that are about an incident. Any other is about its hosts. */
const OF_INCIDENTS: ReadonlySet<string> = new Set([
  'incident',
  'fingerprint',
  'kind',
  'severity',
  'reason',
  'function',
  'signature',
]);

/** An incident's values by the names of the matchers that are about one. */
export function aboutIncident({
  id,
  fingerprint,
  severity,
  signal,
}: Pick<Incident, 'id' | 'fingerprint' | 'severity' | 'signal'>): Readonly<Record<string, string>> {
  return { ...signal, incident: id, fingerprint, severity };
}

/** When a silence is over: at its time, or when it was ended before. */
export function endUs({ until_us, ended_us }: SilenceRecord): number {
  return ended_us === 0 ? until_us : Math.min(ended_us, until_us);
}

/** Whether it holds at a moment of log time. */
export function isActive(silence: SilenceRecord, nowUs: number): boolean {
  return silence.from_us <= nowUs && nowUs < endUs(silence);
}

/**
 * Whether those matchers fit that are about the incident; true where none is. `about` holds the incident's values by the
 * matchers' names; what it does not have is left out.
 */
export function fitsIncident(
  { matchers }: Pick<SilenceRecord, 'matchers'>,
  about: Readonly<Record<string, string>>,
): boolean {
  return matchers.every(
    (matcher) => !OF_INCIDENTS.has(matcher.name) || fits(matcher, [own(about, matcher.name)]),
  );
}

/** Whether it says anything of hosts. */
export function namesHosts({ matchers }: Pick<SilenceRecord, 'matchers'>): boolean {
  return matchers.some(({ name }) => !OF_INCIDENTS.has(name));
}

/** Whether those matchers fit that are about hosts; true where none is. */
export function fitsHost({ matchers }: Pick<SilenceRecord, 'matchers'>, host: MatchedHost): boolean {
  return matchers.every((matcher) => {
    if (OF_INCIDENTS.has(matcher.name)) return true;
    if (matcher.name === 'host') return fits(matcher, [host.id, host.hostname]);
    return fits(matcher, [own(host.attributes, matcher.name)]);
  });
}

/** A value by its name, which may be that of something that every object has. */
function own(values: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** Whether a matcher fits something that has these values: what has none fits no value, not even "*". */
function fits({ value, not }: Matcher, values: readonly (string | undefined)[]): boolean {
  return values.some((text) => text !== undefined && matchesGlob(text, value)) !== not;
}

/**
 * Whether a text is of a pattern in which "*" stands for any text. Each part is taken where it comes first, so nothing is
 * tried twice: no pattern is slow.
 */
export function matchesGlob(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
