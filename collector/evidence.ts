/**
 * Logs of crashes among the log's evidence: what they are called there, and how one is read. Agents put them there, and a
 * name is only what its agent says: nothing is believed that does not have the digest that it is called by.
 */
import { createHash } from 'node:crypto';
import { type Blobs, LogError } from '@netfall/log';

/** What names of logs begin with; the SHA-256 in hex follows. */
export const CRASH_LOGS = 'crash/';
/** No agent keeps a longer one, bytes. */
export const MOST_LOG_BYTES = 16 * 1024 * 1024;

/** What stands under a log's name is not that log. */
export class EvidenceError extends Error {
  override readonly name = 'EvidenceError';
}

/** The log of that digest, or null when it is not there. Throws EvidenceError, and LogError while it is out of reach. */
export async function readCrashLog(evidence: Pick<Blobs, 'get'>, digest: string): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const stored = await evidence.get(CRASH_LOGS + digest);
    if (!stored) return null;
    for await (const chunk of stored) {
      length += chunk.length;
      if (length > MOST_LOG_BYTES) throw new EvidenceError('it is over 16 MiB');
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof LogError && error.code === 'corrupt')
      throw new EvidenceError('it is damaged', { cause: error });
    throw error;
  }
  const bytes = Buffer.concat(chunks, length);
  if (createHash('sha256').update(bytes).digest('hex') !== digest)
    throw new EvidenceError('it does not have the digest that it is called by');
  return bytes;
}
