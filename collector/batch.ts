/** Batches of log entries as one transferable slab, so that handing them to the fold's thread copies nothing twice. */
import type { FoldEntry } from './fold/fold.ts';

/** Numbers that precede the bytes, for each entry: sequence, time, length of subject, length of data. */
const FIELDS = 4;

/** Packs entries: a Float64Array of FIELDS numbers an entry, after their count, then subjects and data in turn. */
export function packBatch(entries: readonly FoldEntry[]): ArrayBuffer {
  let bytes = 0;
  for (const { subject, data } of entries) bytes += Buffer.byteLength(subject) + data.length;
  const head = 8 * (1 + FIELDS * entries.length);
  const slab = new ArrayBuffer(head + bytes);
  const numbers = new Float64Array(slab, 0, head / 8);
  const body = Buffer.from(slab, head);
  numbers[0] = entries.length;
  let at = 0;
  let i = 1;
  for (const { sequence, timeUs, subject, data } of entries) {
    const length = body.write(subject, at, 'utf8');
    body.set(data, at + length);
    at += length + data.length;
    numbers[i++] = sequence;
    numbers[i++] = timeUs;
    numbers[i++] = length;
    numbers[i++] = data.length;
  }
  return slab;
}

/** The entries of a slab. Their data are views of it. */
export function* unpackBatch(slab: ArrayBuffer): Generator<FoldEntry> {
  const count = new Float64Array(slab, 0, 1)[0] as number;
  const head = 8 * (1 + FIELDS * count);
  const numbers = new Float64Array(slab, 8, FIELDS * count);
  const body = Buffer.from(slab, head);
  let at = 0;
  for (let i = 0; i < numbers.length; i += FIELDS) {
    const subjectEnd = at + (numbers[i + 2] as number);
    const end = subjectEnd + (numbers[i + 3] as number);
    yield {
      sequence: numbers[i] as number,
      timeUs: numbers[i + 1] as number,
      subject: body.toString('utf8', at, subjectEnd),
      data: body.subarray(subjectEnd, end),
    };
    at = end;
  }
}
