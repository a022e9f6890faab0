/** Witnesses and reports out of what a relay heard of a crash. Pure; when they are made, and how many, is not known here. */
import { claimsOf, type HeardCrash, lastBeginning, lastUptimeUs } from '@netfall/crash';
import { type CrashWitness, LIMITS } from '@netfall/proto';
import { formatIpv4, formatIpv6 } from '../inventory/addresses.ts';
import type { CrashFindings } from '../source.ts';

/** The first sign of a crash. Of netoops it is the newest piece of the log, which seldom tells how it began. */
export function witnessOf(crash: HeardCrash, source: string, record: string): CrashWitness {
  const text = crash.beginning ? '' : latin1(crash.assemble().bytes);
  return describe(crash, source, record, text);
}

export interface Reported {
  readonly findings: CrashFindings;
  readonly log: Uint8Array;
}

/** All that was heard of a crash, and its log. */
export function reportOf(crash: HeardCrash, source: string, record: string): Reported {
  const { bytes, holes, wrapAt, lostMessages } = crash.assemble();
  const text = latin1(bytes);
  return {
    log: bytes,
    findings: {
      witness: describe(crash, source, record, text),
      revision: crash.revision,
      last_us: crash.lastUs,
      last_uptime_us: lastUptimeUs(text),
      complete: holes.length === 0,
      holes: holes.slice(0, LIMITS.holes),
      unlisted_holes: Math.max(0, holes.length - LIMITS.holes),
      wrap_at: wrapAt,
      parts: crash.parts,
      duplicates: crash.duplicates,
      lost_messages: lostMessages,
      hardware: asText(claimsOf(text).hardware),
    },
  };
}

/** @param text the log as far as it is there, a character a byte; empty where it tells nothing more */
function describe(crash: HeardCrash, source: string, record: string, text: string): CrashWitness {
  const beginning = crash.beginning ?? lastBeginning(text);
  return {
    record,
    source,
    sender: senderText(crash.sender),
    first_us: crash.firstUs,
    kernel: asText(crash.kernel || claimsOf(text).kernel),
    boot_id: crash.boot,
    kind: beginning?.kind ?? '',
    line: asText(beginning?.text ?? ''),
    uptime_us: beginning?.uptimeUs ?? 0,
  };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** As text: IPv6 as RFC 5952 has it. */
function senderText({ a, b, c, d }: HeardCrash['sender']): string {
  if (a === 0 && b === 0 && c === 0xffff) return formatIpv4(d);
  const bytes = new DataView(new ArrayBuffer(16));
  for (const [i, word] of [a, b, c, d].entries()) bytes.setUint32(i * 4, word);
  return formatIpv6(new Uint8Array(bytes.buffer));
}

/** What stands in the log a character a byte, as the text that it is, cut to what an entry takes. */
function asText(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8').slice(0, LIMITS.string).toWellFormed();
}
