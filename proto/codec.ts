/** Entries to bytes and back. Bytes are untrusted: decode, then check.ts. */

// Must come before the generated code, which reads these settings as it loads.
import './runtime.ts';
import { netfall } from './gen/netfall.js';
import type { Entry } from './gen/types.ts';
import { remembering } from './repeated.ts';

// Half of what hosts send is what their sources can do, in every heartbeat.
const { SourceStatus } = netfall.v1;
SourceStatus.decode = remembering(SourceStatus.decode);

/** The largest encoded entry, bytes. Agents split what is larger; logs and the fold refuse it. */
export const MAX_ENTRY_BYTES = 512 * 1024;

export function encodeEntry(entry: Entry): Uint8Array {
  return netfall.v1.Entry.encode(entry).finish();
}

/**
 * Decodes an entry. Fields that are absent have proto3's defaults, unknown fields are passed over, integers beyond
 * 2^53 come out rounded (check.ts refuses them). Throws an Error when the bytes are no entry.
 */
export function decodeEntry(bytes: Uint8Array): Entry {
  return netfall.v1.Entry.decode(bytes);
}
