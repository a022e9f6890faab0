/** What a source tells of a crash of its own host: an entry that everybody takes. And inputs of several pieces. */
import type { CrashFindings } from '../../agent/source.ts';
import { checkEntry, decodeEntry, encodeEntry, hostSubject, type Item } from '../../proto/index.ts';
import { must } from './target.ts';

/** Pieces, each behind its length of 16 bits. */
export function packPieces(...pieces: (Uint8Array | string)[]): Uint8Array {
  return Buffer.concat(
    pieces.flatMap((piece) => {
      const bytes = Buffer.from(piece);
      return [Uint8Array.of(bytes.length & 0xff, bytes.length >> 8), bytes];
    }),
  );
}

/** Those of an input, as far as they are whole. */
export function* piecesOf(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let at = 0; at + 2 <= length; ) {
    const end = at + 2 + (bytes[at]! | (bytes[at + 1]! << 8));
    if (end > length) return;
    yield bytes.subarray(at + 2, end);
    at = end;
  }
}

/** Throws a finding when a report is none that collectors take. */
export function checkReport(findings: CrashFindings, log: Uint8Array): void {
  must(!findings.complete || findings.holes.length === 0, 'a log with holes is complete');
  let last = -1;
  for (const { at } of findings.holes) {
    must(at > last && at <= log.length, `a hole at ${at} of ${log.length} behind one at ${last}`);
    last = at;
  }
  checkItem({ crash_report: { ...findings, digest: '0'.repeat(64), bytes: log.length } });
}

/** Throws a finding when an item is none that collectors take. */
export function checkItem(item: Item): void {
  const names = { cell: 'cell', host_id: 'host', incarnation: 'i', boot_id: '' };
  const envelope = { ...names, seq: 1, oldest_seq: 1, observed_us: 0, items: [item], losses: [] };
  const bad = checkEntry(decodeEntry(encodeEntry({ envelope })), hostSubject('cell', 'host'));
  must(bad === null, `an entry that is refused: ${bad}`);
}
