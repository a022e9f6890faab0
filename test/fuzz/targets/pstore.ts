/**
 * Files of pstore: names and headers, which belong together, the logs that they make, and reports of them. An input is names
 * and contents in turn, each behind its length of 16 bits.
 */
import { findingsOf } from '../../../agent/sources/findings.ts';
import { groupPstore, HEAD_BYTES, joinPstore, readPstoreName } from '../../../crash/index.ts';
import { checkReport, packPieces, piecesOf } from '../host-crash.ts';
import { digest, must, type Target } from '../target.ts';

const LOG = `<1>[   83.201634] BUG: kernel NULL pointer dereference, address: 0000000000000008
<4>[   83.201660] CPU: 1 PID: 46 Comm: kworker/1:1 Not tainted 6.1.0-18-amd64 #1
<4>[   83.201662] Hardware name: QEMU Standard PC
`;

export function corpus(): Uint8Array[] {
  const efi = [1, 2, 3].flatMap((part) => [
    `dmesg-efi_pstore-17950000000${part}001`,
    `Panic#1 Part${part}\n${part === 1 ? LOG : '<6>[    1.000000] eth0: link up\n'}`,
  ]);
  const erst = [1, 2].flatMap((part) => [
    `dmesg-erst-770946867545656524${part}`,
    `Oops#1 Part${part}\n${LOG}`,
  ]);
  return [
    packPieces(...efi),
    packPieces(...efi.slice(2), ...efi.slice(0, 2)),
    packPieces(...efi.slice(0, 2), `${efi[2]}.enc.z`, 'x\x9c', ...efi.slice(4)),
    packPieces(...erst),
    packPieces(...efi, ...erst),
    packPieces('dmesg-ramoops-0', `Panic#2 Part1\n${LOG}\nECC: 1 Corrected bytes, 0 unrecoverable blocks\n`),
    packPieces('dmesg-ramoops-0', LOG, 'console-ramoops-0', LOG),
    packPieces('dmesg-pstore_blk-0', `Oops: Total 2 times\nOops#2 Part1\n${LOG}`),
  ];
}

export function open(input: Uint8Array): Target {
  const totals = { files: 0, 'other files': 0, dumps: 0, parts: 0, duplicates: 0, holes: 0 };

  function* filesOf(length: number) {
    let name: string | undefined;
    let atUs = 1_700_000_000_000_000;
    for (const piece of piecesOf(input, length)) {
      if (name === undefined) {
        name = Buffer.from(piece).toString('latin1');
        continue;
      }
      atUs += 1_000_000;
      yield { name, mtimeUs: atUs, head: piece.subarray(0, HEAD_BYTES), size: piece.length, bytes: piece };
      name = undefined;
    }
  }

  return {
    run(length) {
      const files = [...filesOf(length)];
      const named = files.filter(({ name }) => readPstoreName(name)).length;
      totals.files += named;
      totals['other files'] += files.length - named;
      let sum = named;
      let grouped = 0;
      for (const dump of groupPstore(files)) {
        const { backend, reason, firstUs, lastUs, parts, duplicates } = dump;
        must(parts.length > 0 && firstUs <= lastUs, 'a dump is empty, or ends before it begins');
        grouped += parts.length + duplicates;
        let last = -1;
        for (const { number } of parts) {
          must(number > last, `part ${number} behind part ${last}`);
          last = number;
        }
        const { damaged, ...log } = joinPstore(
          parts.map(({ number, file, readable }) => ({ number, bytes: readable ? file.bytes : null })),
        );
        const findings = findingsOf(
          { record: 'r', source: 'pstore', firstUs, lastUs, duplicates, damaged },
          log,
        );
        checkReport(findings, log.bytes);
        totals.dumps++;
        totals.parts += parts.length;
        totals.duplicates += duplicates;
        totals.holes += log.holes.length;
        sum = digest(digest(digest(sum, backend.length + reason.length), log.bytes.length), log.holes.length);
        sum = digest(sum, findings.witness?.line.length ?? 0);
      }
      must(grouped === named, `${named} files, and ${grouped} in dumps`);
      return sum;
    },
    bounds: () => [],
    counts: () => totals,
  };
}
