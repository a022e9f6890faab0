/**
 * What is said of an incident, for people: a title, sentences that a person believes since they have the numbers, and the
 * next check. Pure, and the same on every replica; times are UTC. Blanks within a number do not break.
 */
import type { AttributeValue, Cause, Explanation, Incident, Signal } from './model.ts';
import { bounded } from './text.ts';

/** What the title goes by. */
type Titled = Pick<
  Incident,
  'signal' | 'symptoms' | 'hosts' | 'hosts_total' | 'explanation' | 'rollout' | 'loops'
>;

/** Of equal and of rival explanations, those that the sentences name. */
const MOST_NAMED = 3;
const MOST_RIVALS = 2;

/** One line: what, and where. */
export function titleOf(incident: Titled): string {
  const { signal, rollout } = incident;
  const what = `${subject(incident)} ${verb(incident, 'now')}${again(incident)}`;
  const title = signal.kind === 'crash' ? `${what}: ${crashName(signal.title)}` : what;
  return rollout ? `${title}, new ${phrase([rollout])}` : title;
}

/** Who has the trouble: one host by its name, all others by their number. */
function subject({ hosts, hosts_total, explanation }: Titled): string {
  if (hosts_total === 1 && hosts[0]) return hosts[0].hostname || 'A host that nobody knows';
  if (!explanation) return `${number(hosts_total)} hosts`;
  const { items, affected, covered } = explanation;
  const of =
    affected === covered ? `All ${number(covered)} hosts` : `${number(affected)} of ${number(covered)} hosts`;
  return items.length === 0 ? of : `${of} ${phrase(items)}`;
}

/** What they do, without the name of a crash. */
function verb(incident: Titled, when: 'now' | 'since' | 'then'): string {
  const { signal, hosts_total } = incident;
  const does = (now: string, one: string, done: string) => {
    const has = hosts_total === 1 ? 'has' : 'have';
    return when === 'now' ? (hosts_total === 1 ? one : now) : when === 'since' ? `${has} ${done}` : done;
  };
  if (signal.kind === 'drop') return `${does('drop', 'drops', 'dropped')} ${nameOf(signal)}`;
  if (signal.kind === 'counter') return `${does('lose', 'loses', 'lost')} packets (${signal.counter})`;
  if (signal.kind === 'crash')
    return died(incident) ? does('crashed', 'crashed', 'crashed') : does('report', 'reports', 'reported');
  if (signal.kind === 'silence' && when === 'then') return hosts_total === 1 ? 'was silent' : 'were silent';
  if (signal.kind === 'silence') return does('are silent', 'is silent', 'been silent');
  return does('sent backlogs', 'sent a backlog', hosts_total === 1 ? 'sent a backlog' : 'sent backlogs');
}

/** Whether the crashes ended kernels: there is trouble that they live on after. */
function died({ symptoms }: Titled): boolean {
  return symptoms[0]?.severity !== 'warning';
}

function again({ loops, hosts_total }: Titled): string {
  if (loops.length === 0) return '';
  return hosts_total === 1 ? ' again and again' : `, ${number(loops.length)} of them again and again`;
}

function crashName(title: string): string {
  return title || 'what happened has not been seen yet';
}

/** E.g. "in rack r12 on kernel 6.1.0". */
export function phrase(items: readonly AttributeValue[]): string {
  return items.map((item) => `${preposition(item.attribute)} ${named(item)}`).join(' ');
}

function named({ attribute, value }: AttributeValue): string {
  return `${attribute} ${value}`;
}

function preposition(attribute: string): string {
  if (ON.includes(attribute)) return 'on';
  if (BEHIND.includes(attribute)) return 'behind';
  return WITH.includes(attribute) ? 'with' : 'in';
}

const ON: readonly string[] = ['kernel', 'image', 'firmware', 'microcode'];
const BEHIND: readonly string[] = ['gateway_mac', 'tor', 'switch'];
const WITH: readonly string[] = ['nic', 'driver', 'cpu', 'product', 'vendor', 'sku', 'cmdline'];

/**
 * What is wrong, since when, where, how that compares with all others, and what explains it as well. E.g. "38 of 40 hosts in
 * rack r12 have dropped NEIGH_FAILED in neigh_timer_handler since 10:02:11 UTC (0.02 % of the other 3 960 have). It is
 * explained just as well by gateway_mac 02:00:00:00:00:0c."
 */
export function sentenceOf(incident: Incident): string {
  const { explanation, unexplained, hosts_total, signal, cause, rollout } = incident;
  const sentences = [firstOf(incident), ...symptomsOf(incident)];
  if (explanation) {
    sentences.push(...equivalentsOf(explanation), ...rivalsOf(explanation));
    if (unexplained.total > 0)
      sentences.push(
        `${hosts(unexplained.total, 'more host has', 'more hosts have')} it, which this does not explain.`,
      );
  } else if (targetOf(incident) && !cause) sentences.push(`The packets were for ${targetOf(incident)}.`);
  else if (hosts_total > 1 && !cause && !rollout && signal.kind !== 'backlog')
    sentences.push('Nothing that they share explains it.');
  sentences.push(...beforeOf(incident));
  if (cause) sentences.push(causeOf(cause));
  return sentences.join(' ');
}

function firstOf(incident: Incident): string {
  const { signal, started_us, last_us, hosts_total } = incident;
  const isOver = OVER.includes(incident.state);
  // A crash is a moment; more of them, and all other trouble, go on.
  const isOnce = signal.kind === 'crash' && started_us === last_us;
  const tense = isOver || isOnce ? 'then' : 'since';
  const when = isOver
    ? during(started_us, last_us)
    : `${isOnce ? 'at' : 'since'} ${clock(started_us, last_us)}`;
  const often = hosts_total === 1 ? `${again(incident)} ${when}` : ` ${when}${again(incident)}`;
  const name = signal.kind === 'crash' ? `: ${crashName(signal.title)}` : '';
  return `${subject(incident)} ${verb(incident, tense)}${often}${controlOf(incident, tense)}${name}.`;
}

const OVER: readonly Incident['state'][] = ['resolved', 'closed', 'merged'];

function controlOf({ explanation }: Incident, tense: 'since' | 'then'): string {
  if (!explanation || explanation.items.length === 0 || explanation.others === 0) return '';
  const { others, others_affected } = explanation;
  const share = others_affected === 0 ? 'none' : percent(others_affected, others);
  return ` (${share} of the other ${number(others)} ${tense === 'then' ? 'did' : 'have'})`;
}

function symptomsOf({ symptoms }: Incident): string[] {
  if (symptoms.length < 2) return [];
  const names = symptoms.slice(1, 1 + MOST_NAMED).map(({ signal }) => nameOf(signal));
  const more = symptoms.length - 1 - names.length;
  return [`With it came ${list(more > 0 ? [...names, `${more} more`] : names)}.`];
}

function equivalentsOf({ equivalents }: Explanation): string[] {
  if (equivalents.length === 0) return [];
  const names = equivalents.slice(0, MOST_NAMED).map((items) => items.map(named).join(' and '));
  const more = equivalents.length - names.length;
  const all = more > 0 ? [...names, `${more} more`] : names;
  return [`It is explained just as well by ${list(all)}.`];
}

function rivalsOf({ rivals }: Explanation): string[] {
  if (rivals.length === 0) return [];
  const names = rivals.slice(0, MOST_RIVALS).map(({ items, affected, covered }) => {
    return `${items.map(named).join(' with ')} (${number(affected)} of ${number(covered)} hosts)`;
  });
  return [`Nearly as well it is explained by ${list(names)}.`];
}

/** The host that an incident's packets were for, where that is all that they have in common; else empty. */
function targetOf({ fingerprint }: Incident): string {
  return /@towards=(.+)$/.exec(fingerprint)?.[1] ?? '';
}

/** What came before it: a change, a rollout, a value that hosts came to. */
function beforeOf({ explanation, rollout, changes, started_us }: Incident): string[] {
  const sentences: string[] = [];
  const [change] = changes;
  if (rollout) {
    const earlier = `${span(started_us - rollout.since_us)} earlier`;
    sentences.push(`It was never seen before; its host came to ${named(rollout)} ${earlier}.`);
  } else if (explanation && explanation.items.length > 0 && explanation.changed_us > 0) {
    const before = started_us - explanation.changed_us;
    if (before >= 0 && before < DAY_US)
      sentences.push(`The last of these hosts came to that ${span(before)} before it began.`);
  }
  if (change) {
    const after = started_us - change.at_us;
    sentences.push(
      `It began ${after >= 0 ? `${span(after)} after` : 'at about the time of'} “${change.summary}”.`,
    );
  }
  return sentences;
}

const DAY_US = 86_400_000_000;

function causeOf({ hostname, order, gap_us }: Cause): string {
  return order === 'before'
    ? `It is a consequence: the packets were for ${hostname}, whose own trouble had begun ${span(gap_us)} before.`
    : `The packets were for ${hostname}, whose own trouble began at the same time as far as clocks can tell.`;
}

/** The cheapest observation that would tell explanations apart; empty where there is one alone. */
export function nextCheckOf({ explanation }: Incident): string {
  if (!explanation) return '';
  const { items, equivalents, rivals } = explanation;
  for (const { items: rival, without, beyond } of rivals) {
    if (without[0]) return look(without[0], items, rival);
    if (beyond[0]) return look(beyond[0], rival, items);
  }
  const [same] = equivalents;
  if (!same) return '';
  return `Exactly the same hosts are ${phrase(items)} and ${phrase(same)}: check both, or move a host.`;
}

function look(host: string, has: readonly AttributeValue[], lacks: readonly AttributeValue[]): string {
  const [first, second] = [has, lacks].map((items) => items.map(named).join(' with '));
  return `Look at ${host}, ${phrase(has)} but not ${phrase(lacks)}: trouble there speaks for ${first}, none for ${second}.`;
}

/** Characters of a name in a runbook's address: the longest reason of a kernel has some 40. */
const MOST_RUNBOOK = 100;

/** Where to read what to do about trouble of a kind: the configured address, with what its `{signal}` stands for. */
export function runbookOf(signal: Signal, address: string): string {
  const { kind } = signal;
  const name = kind === 'drop' ? signal.reason : kind === 'counter' ? signal.counter : kind;
  return address.replaceAll('{signal}', encodeURIComponent(bounded(name, MOST_RUNBOOK)));
}

/** What a signal is called among others. */
export function nameOf(signal: Signal): string {
  if (signal.kind === 'drop')
    return `${signal.reason}${signal.function === '' ? '' : ` in ${signal.function}`}`;
  if (signal.kind === 'counter') return signal.counter;
  if (signal.kind === 'crash') return signal.title || 'a crash';
  return signal.kind;
}

function list(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}

function hosts(count: number, one: string, many: string): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

function percent(part: number, whole: number): string {
  const hundredths = Math.round((part / whole) * 10_000) / 100;
  return `${hundredths === 0 ? '<\u00a00.01' : hundredths}\u00a0%`;
}

/** Digits in groups of three, as 3 960. */
function number(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, '\u00a0');
}

/** The time of day, with its date unless that is another moment's too. */
function clock(us: number, besideUs: number): string {
  const [date, time] = momentOf(us);
  return date === momentOf(besideUs)[0] ? `${time} UTC` : `${date} ${time} UTC`;
}

/** From when to when, or at which moment. */
function during(fromUs: number, toUs: number): string {
  const [date, from] = momentOf(fromUs);
  const [lastDate, to] = momentOf(toUs);
  if (date === lastDate)
    return from === to ? `on ${date} at ${from} UTC` : `on ${date} from ${from} to ${to} UTC`;
  return `from ${date} ${from} to ${lastDate} ${to} UTC`;
}

function momentOf(us: number): [date: string, time: string] {
  const text = new Date(us / 1000).toISOString();
  return [text.slice(0, 10), text.slice(11, 19)];
}

function span(us: number): string {
  const seconds = Math.max(0, Math.round(us / 1_000_000));
  if (seconds < 120) return `${seconds}\u00a0s`;
  const [count, unit] =
    seconds < 7200
      ? [seconds / 60, 'min']
      : seconds < 172_800
        ? [seconds / 3600, 'h']
        : [seconds / 86_400, 'd'];
  return `${Math.round(count)}\u00a0${unit}`;
}
