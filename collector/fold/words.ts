/**
 * What is said of an incident, for people: a title, a sentence that a person believes since it has the numbers, and the next
 * check. Pure, and the same on every replica; times are UTC.
 */
import type { AttributeValue, Explanation, Incident, Signal } from './model.ts';

/** What the title goes by. */
type Titled = Pick<Incident, 'signal' | 'hosts' | 'hosts_total' | 'explanation' | 'rollout' | 'loops'>;

/** One line: what, and where. */
export function titleOf({ signal, hosts, hosts_total, explanation, rollout, loops }: Titled): string {
  const alone = hosts_total === 1 ? hosts[0]?.hostname : undefined;
  const who = alone ?? whoOf(hosts_total, explanation);
  const again =
    loops.length === 0
      ? ''
      : alone
        ? ' again and again'
        : `, ${number(loops.length)} of them again and again`;
  const title = `${who} ${does(signal, alone !== undefined, again)}`;
  return rollout ? `${title}, new on ${phrase([rollout])}` : title;
}

/** What the first signal is, as a verb and its object. */
function does(signal: Signal, one: boolean, again: string): string {
  if (signal.kind === 'drop') {
    return `${one ? 'drops' : 'drop'} ${signal.reason}${signal.function === '' ? '' : ` in ${signal.function}`}`;
  }
  if (signal.kind === 'counter') return `${one ? 'loses' : 'lose'} packets by ${signal.counter}`;
  if (signal.kind === 'crash') return `crashed${again}: ${signal.title || 'nobody knows of what yet'}`;
  if (signal.kind === 'silence') return one ? 'is silent' : 'are silent';
  return one ? 'sent a backlog' : 'sent backlogs';
}

function whoOf(total: number, explanation: Explanation | null): string {
  if (!explanation) return `${number(total)} hosts`;
  const { items, affected, covered } = explanation;
  const of =
    affected === covered ? `all ${number(covered)} hosts` : `${number(affected)} of ${number(covered)} hosts`;
  return items.length === 0 ? of : `${of} ${phrase(items)}`;
}

/** E.g. "in rack r12 on kernel 6.1.0". */
export function phrase(items: readonly AttributeValue[]): string {
  return items.map(({ attribute, value }) => `${preposition(attribute)} ${attribute} ${value}`).join(' ');
}

function preposition(attribute: string): string {
  if (ON.includes(attribute)) return 'on';
  if (attribute === 'gateway_mac') return 'behind';
  return WITH.includes(attribute) ? 'with' : 'in';
}

const ON: readonly string[] = ['kernel', 'image', 'firmware', 'microcode'];
const WITH: readonly string[] = ['nic', 'cpu', 'product', 'vendor', 'cmdline', 'host', 'towards'];

/**
 * What is wrong, since when, where, how that compares with all others, and what explains it as well.
 * E.g. "38 of 40 hosts in rack r12 drop NEIGH_FAILED in neigh_timer_handler since 10:02:11 UTC; 0.02 % of the other 3 960 do.
 * Behind gateway_mac 02:00:00:00:00:0c are exactly the same hosts."
 */
export function sentenceOf(incident: Incident): string {
  const { title, started_us, explanation, symptoms, unexplained, changes, cause, rollout } = incident;
  const sentences = [`${capital(title)} since ${clock(started_us)}${controlOf(explanation)}.`];
  if (symptoms.length > 1)
    sentences.push(`With it came ${list(symptoms.slice(1).map(({ signal }) => nameOf(signal)))}.`);
  for (const items of explanation?.equivalents ?? [])
    sentences.push(`${capital(phrase(items))} are exactly the same hosts.`);
  for (const { items, affected, covered } of explanation?.rivals ?? []) {
    sentences.push(
      `${capital(phrase(items))} are ${number(affected)} of ${number(covered)}, which explains it nearly as well.`,
    );
  }
  if (explanation && unexplained.total > 0) {
    sentences.push(
      `${number(unexplained.total)} ${unexplained.total === 1 ? 'host has' : 'hosts have'} it elsewhere, unexplained.`,
    );
  }
  if (!explanation && incident.hosts_total > 1 && incident.signal.kind !== 'backlog')
    sentences.push('Nothing that they share explains it.');
  if (rollout)
    sentences.push(
      `It was never seen before; its host came to ${rollout.attribute} ${rollout.value} at ${clock(rollout.since_us)}.`,
    );
  for (const { summary, at_us } of changes.slice(0, 1)) {
    sentences.push(`${span(started_us - at_us)} after “${summary}”.`);
  }
  if (cause) sentences.push(causeOf(cause));
  return sentences.join(' ');
}

function controlOf(explanation: Explanation | null): string {
  if (!explanation || explanation.items.length === 0 || explanation.others === 0) return '';
  const { others, others_affected } = explanation;
  if (others_affected === 0) return `; none of the other ${number(others)}`;
  return `; ${percent(others_affected, others)} of the other ${number(others)}`;
}

function causeOf({ hostname, order, gap_us }: NonNullable<Incident['cause']>): string {
  const when =
    order === 'before'
      ? `${span(gap_us)} after ${hostname} was in trouble`
      : `at the same time as ${hostname}'s own trouble`;
  return `The packets were for ${hostname}: it began ${when}.`;
}

/** The cheapest observation that would tell explanations apart; empty where there is one alone. */
export function nextCheckOf({ explanation }: Incident): string {
  if (!explanation) return '';
  const { items, equivalents, rivals } = explanation;
  for (const { items: rival, without, beyond } of rivals) {
    const [host] = without;
    if (host) return `See whether ${host} has it: it is ${phrase(items)}, but not ${phrase(rival)}.`;
    const [other] = beyond;
    if (other) return `See why ${other} has it not: it is ${phrase(rival)}, but not ${phrase(items)}.`;
  }
  const [same] = equivalents;
  if (!same) return '';
  return `No host is ${phrase(items)} and not ${phrase(same)}, or the other way round: look at both, or move one host.`;
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

function percent(part: number, whole: number): string {
  const hundredths = Math.round((part / whole) * 10_000) / 100;
  return `${hundredths === 0 ? '< 0.01' : hundredths} %`;
}

/** Digits in groups of three, as 3 960. */
function number(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ' ');
}

function clock(us: number): string {
  return `${new Date(us / 1000).toISOString().slice(11, 19)} UTC`;
}

function span(us: number): string {
  const seconds = Math.max(0, Math.round(us / 1_000_000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
