/** Witnesses and reports out of what a relay heard of a crash. Pure; when they are made, and how many, is not known here. */
import type { HeardCrash } from '@netfall/crash';
import type { CrashWitness } from '@netfall/proto';
import { formatIpv4, formatIpv6 } from '../inventory/addresses.ts';
import type { CrashFindings } from '../source.ts';
import { findingsOf, type Known, witnessIn } from '../sources/findings.ts';

export interface Reported {
  readonly findings: CrashFindings;
  readonly log: Uint8Array;
}

/** All that was heard of a crash, and its log. */
export function reportOf(crash: HeardCrash, source: string, record: string): Reported {
  const { lostMessages, ...log } = crash.assemble();
  return { findings: findingsOf({ ...known(crash, source, record), lostMessages }, log), log: log.bytes };
}

/** The first sign of a crash. Of netoops it is some piece of the log, which seldom tells how it began. */
export function witnessOf(crash: HeardCrash, source: string, record: string): CrashWitness {
  return witnessIn(known(crash, source, record), () => crash.assemble());
}

function known(crash: HeardCrash, source: string, record: string): Known {
  const { beginning, kernel, boot, isCut, firstUs, lastUs, revision, parts, duplicates } = crash;
  return {
    ...{ record, source, sender: senderText(crash.sender), bootId: boot },
    ...{ firstUs, lastUs, revision, parts, duplicates },
    damaged: isCut,
    ...(kernel !== '' && { kernel }),
    ...(beginning && { beginning }),
  };
}

/** As text: IPv6 as RFC 5952 has it. */
function senderText({ a, b, c, d }: HeardCrash['sender']): string {
  if (a === 0 && b === 0 && c === 0xffff) return formatIpv4(d);
  const bytes = new DataView(new ArrayBuffer(16));
  for (const [i, word] of [a, b, c, d].entries()) bytes.setUint32(i * 4, word);
  return formatIpv6(new Uint8Array(bytes.buffer));
}
