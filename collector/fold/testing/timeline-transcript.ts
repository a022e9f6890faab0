/**
 * For tests: what becomes of incidents, told line by line by watching a fold entry by entry. Incidents are A, B, … in the
 * order in which they are first more than candidates. Must not know what the log holds.
 */
import type { Fold } from '../fold.ts';
import { type IncidentRecord, order } from '../incident.ts';
import type { Explanation, IncidentState, Notification } from '../model.ts';
import { nameOf } from '../words.ts';
import { START_US } from './story.ts';

/** What may be asked of an incident, as in "A's title?". */
type Question = (record: IncidentRecord, transcript: Transcript, fold: Fold) => string;

const QUESTIONS: Readonly<Record<string, Question>> = {
  title: ({ title }) => `reads: ${title}`,
  state: ({ state }) => `is ${state}`,
  severity: ({ severity }) => `is of severity ${severity}`,
  explanation: ({ explanation }) =>
    explanation ? `is explained by ${explained(explanation)}` : 'is not explained',
  equivalents: ({ explanation }) =>
    `is as well explained by ${some(explanation?.equivalents.map((items) => named(items)))}`,
  symptoms: ({ symptoms }) => `has symptoms ${some(symptoms.map(({ signal }) => nameOf(signal)))}`,
  numbers: ({ symptoms }) =>
    `has ${some(symptoms.map((one) => `${nameOf(one.signal)} on ${one.hosts_total} since ${clock(one.first_us)}`))}`,
  hosts: ({ hosts }) => `has hosts ${some(hosts.map(({ hostname }) => hostname))}`,
  unexplained: ({ unexplained }) => `leaves unexplained ${some(unexplained.hosts)}`,
  changes: ({ changes }) => `fits changes ${some(changes.map(({ summary }) => summary))}`,
  loops: ({ loops }) => `has loops of ${some(loops)}`,
  consequences: ({ consequences }, { letterOf }) =>
    `has consequences ${some(consequences.map((id) => letterOf(id)))}`,
  deliveries: ({ id }, _transcript, fold) => {
    const own = [...fold.rows().notifications].filter(({ incident_id }) => incident_id === id);
    return `has deliveries ${some(own.map(({ kind, deliveries }) => `${kind} ${deliveries[0]?.state}`))}`;
  },
  late: ({ late }) => `has ${late.reports} late reports of ${late.events} events`,
  beginning: ({ started_us }) => `began at ${clock(started_us)}`,
  audit: ({ audit }) => `was ${some(audit.map(({ event }) => event))}`,
  end: ({ last_us }) => `had trouble last at ${clock(last_us)}`,
};

const BECAME: Readonly<Record<IncidentState, string>> = {
  candidate: 'is a candidate',
  firing: 'fires again',
  acknowledged: 'goes on, acknowledged',
  resolving: 'is resolving',
  resolved: 'is resolved',
  closed: 'is closed',
  merged: 'is merged',
};

export class Transcript {
  readonly lines: string[] = [];
  readonly #letters = new Map<string, string>();
  readonly #ids = new Map<string, string>();
  readonly #known = new Map<string, IncidentRecord>();
  /** Notifications by id, and when each was made. */
  readonly #told = new Map<string, number>();

  /** The letter of an incident; "?" for one that was never told of. */
  readonly letterOf = (id: string): string => this.#letters.get(id) ?? '?';

  /** The id of an incident by its letter. Throws where none has it. */
  idOf(letter: string): string {
    const id = this.#ids.get(letter);
    if (id === undefined) throw new Error(`there is no incident ${letter} yet`);
    return id;
  }

  fingerprintOf(letter: string): string {
    return (this.#known.get(this.idOf(letter)) as IncidentRecord).fingerprint;
  }

  /** Tells what an entry changed. */
  watch(fold: Fold): void {
    const { incidents, notifications } = fold.takeChanges();
    const pages = new Map<string, Notification[]>();
    for (const page of notifications) {
      if (this.#told.get(page.id) === page.created_us) continue;
      this.#told.set(page.id, page.created_us);
      pages.set(page.incident_id, [...(pages.get(page.incident_id) ?? []), page]);
    }
    const changed = [...incidents].filter(({ state }) => state !== 'candidate').sort(order);
    // What is new is told first: the others may refer to it.
    const isNew = ({ id }: IncidentRecord) => Number(this.#known.has(id));
    changed.sort((a, b) => isNew(a) - isNew(b));
    for (const { id } of changed) this.#name(id);
    const at = clock(fold.nowUs);
    for (const record of changed) {
      const events = this.#events(this.#known.get(record.id), record, pages.get(record.id) ?? []);
      this.#known.set(record.id, record);
      for (const event of events) this.lines.push(`${at} ${this.letterOf(record.id)} ${event}`);
    }
  }

  /** Answers a question, such as the explanation of A. Throws where it is none that is known. */
  ask(fold: Fold, letter: string, question: string): void {
    const answer = QUESTIONS[question];
    if (!answer) throw new Error(`nobody knows an incident's ${question}: ask for ${Object.keys(QUESTIONS)}`);
    const record = this.#known.get(this.idOf(letter)) as IncidentRecord;
    this.lines.push(`${clock(fold.nowUs)} ${letter} ${answer(record, this, fold)}`);
  }

  #name(id: string): void {
    if (this.#letters.has(id)) return;
    const letter = String.fromCharCode('A'.charCodeAt(0) + this.#letters.size);
    this.#letters.set(id, letter);
    this.#ids.set(letter, id);
  }

  #events(
    before: IncidentRecord | undefined,
    now: IncidentRecord,
    pages: readonly Notification[],
  ): readonly string[] {
    const events: string[] = [];
    const paged = (kind: Notification['kind']) => (pages.some((page) => page.kind === kind) ? ', page' : '');
    if (!before) {
      const past = now.regression_of ? `, a regression of ${this.letterOf(now.regression_of)}` : '';
      const how = now.detected_us > 0 && now.state === 'resolving' ? 'is a digest' : 'fires';
      events.push(`${how}${past}${paged('firing')}: ${now.title}`);
    }
    if (before && now.regression_of !== before.regression_of)
      events.push(`is a regression of ${this.letterOf(now.regression_of)}`);
    if (now.cause && !before?.cause)
      events.push(`comes of ${this.letterOf(now.cause.incident_id)}, ${now.cause.order}`);
    const { suppressed } = now;
    if (suppressed && suppressed.id !== before?.suppressed?.id)
      events.push(`is suppressed by ${this.#suppressor(suppressed)}`);
    else if (!suppressed && before?.suppressed) events.push('is no longer suppressed');
    if (before && paged('firing')) events.push(`pages: ${now.title}`);
    const { acknowledged } = now;
    const isNewlyAcknowledged = acknowledged && !before?.acknowledged;
    if (isNewlyAcknowledged)
      events.push(
        `is acknowledged by ${acknowledged.by}${acknowledged.comment && `: ${acknowledged.comment}`}`,
      );
    if (paged('escalated')) events.push(`escalates, page: ${now.title}`);
    // What is new may have become part of another one at once.
    const isOther = before ? now.state !== before.state : now.state === 'merged';
    if (isOther && !(isNewlyAcknowledged && now.state === 'acknowledged')) {
      const into = now.state === 'merged' ? ` into ${this.letterOf(now.merged_into)}` : '';
      const last = now.audit.at(-1);
      const by = now.state === 'resolved' && last?.by ? ` by ${last.by}` : '';
      events.push(`${BECAME[now.state]}${into}${by}${paged('resolved')}`);
    }
    return events;
  }

  #suppressor({ by, id }: NonNullable<IncidentRecord['suppressed']>): string {
    return by === 'incident' ? this.letterOf(id) : `${by} ${id}`;
  }
}

function explained({ items, affected, covered, others, others_affected }: Explanation): string {
  const control = others_affected === 0 ? 'none' : String(others_affected);
  return `${named(items)}, ${affected} of ${covered}, ${control} of ${others}`;
}

function named(items: Explanation['items']): string {
  return items.map(({ attribute, value }) => `${attribute}=${value}`).join(' and ') || 'the whole fleet';
}

function some(names: readonly string[] = []): string {
  return names.join(', ') || 'none';
}

/** Minutes and seconds from the story's beginning. */
function clock(us: number): string {
  const seconds = Math.floor((us - START_US) / 1_000_000);
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}
