/**
 * Where each entry goes and what names it: subjects and message ids. No other module builds or takes apart either.
 *
 *   netfall.<cell>.host.<host_id>      envelopes
 *   netfall.<cell>.tick|epoch|claim|delivered|switches|reading|change|command
 */

const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Whether a string may name a cell, a host or a replica: it becomes a token of a subject. */
export function isId(id: string): boolean {
  return ID.test(id);
}

/** The subject filter of a cell's whole log. */
export function cellSubjects(cell: string): string {
  return `netfall.${cell}.>`;
}

/** The name of a cell's stream. */
export function streamName(cell: string): string {
  return `netfall-${cell}`;
}

/** The cell that a subject belongs to, or null when it is none of ours. */
export function cellOf(subject: string): string | null {
  const [first, cell = ''] = subject.split('.');
  return first === 'netfall' && isId(cell) ? cell : null;
}

export function hostSubject(cell: string, hostId: string): string {
  return `netfall.${cell}.host.${hostId}`;
}

export type CollectorEntryKind =
  | 'tick'
  | 'epoch'
  | 'claim'
  | 'delivered'
  | 'switches'
  | 'reading'
  | 'change'
  | 'command';

export function collectorSubject(cell: string, kind: CollectorEntryKind): string {
  return `netfall.${cell}.${kind}`;
}

/** A host's message: the same for every retry. */
export function envelopeMessageId(hostId: string, incarnation: string, seq: number): string {
  return `h/${hostId}/${incarnation}/${seq}`;
}

/** A collector's message: `serial` is unique within one run of the replica that `run` names. */
export function collectorMessageId(run: string, kind: CollectorEntryKind, serial: number): string {
  return `c/${run}/${kind}/${serial}`;
}

/** A delivery's outcome: one a notification and sink, whoever records it. */
export function deliveredMessageId(notificationId: string, sink: string): string {
  return `d/${notificationId}/${sink}`;
}

/** A log's reading: one a log and parser, whoever made it. */
export function readingMessageId(digest: string, parserVersion: number): string {
  return `r/${digest}/${parserVersion}`;
}
