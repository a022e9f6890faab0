/** Reports out of what a relay heard of a crash. Pure; when they are made, and how many, is not known here. */
import type { HeardCrash } from '@netfall/crash';
import { formatIpv4, formatIpv6 } from '../inventory/addresses.ts';
import type { CrashFindings } from '../source.ts';
import { findingsOf } from '../sources/findings.ts';

export interface Reported {
  readonly findings: CrashFindings;
  readonly log: Uint8Array;
}

/** All that was heard of a crash, and its log. */
export function reportOf(crash: HeardCrash, source: string, record: string): Reported {
  const { beginning, kernel, boot, isCut, firstUs, lastUs, revision, parts, duplicates } = crash;
  const { lostMessages, ...log } = crash.assemble();
  const findings = findingsOf(
    {
      ...{ record, source, sender: senderText(crash.sender), bootId: boot },
      ...{ firstUs, lastUs, revision, parts, duplicates, lostMessages },
      damaged: isCut,
      ...(kernel !== '' && { kernel }),
      ...(beginning && { beginning }),
    },
    log,
  );
  return { findings, log: log.bytes };
}

/** As text: IPv6 as RFC 5952 has it. */
function senderText({ a, b, c, d }: HeardCrash['sender']): string {
  if (a === 0 && b === 0 && c === 0xffff) return formatIpv4(d);
  const bytes = new DataView(new ArrayBuffer(16));
  for (const [i, word] of [a, b, c, d].entries()) bytes.setUint32(i * 4, word);
  return formatIpv6(new Uint8Array(bytes.buffer));
}
