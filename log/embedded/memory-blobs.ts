/** Blobs that live as long as the process, beside a log that does too. */

import type { Blobs } from '../log.ts';
import { checkBlobName, checkBlobPrefix } from '../names.ts';

/** @param ensureOpen throws when the log is closed */
export function memoryBlobs(ensureOpen: () => void): Blobs {
  const byName = new Map<string, readonly Uint8Array[]>();
  return {
    async put(name, chunks) {
      ensureOpen();
      checkBlobName(name);
      const copy: Uint8Array[] = [];
      for await (const chunk of chunks) copy.push(chunk.slice());
      byName.set(name, copy);
    },
    async get(name) {
      ensureOpen();
      checkBlobName(name);
      const chunks = byName.get(name);
      if (!chunks) return null;
      return (async function* () {
        for (const chunk of chunks) yield chunk.slice();
      })();
    },
    async list(prefix) {
      ensureOpen();
      checkBlobPrefix(prefix);
      return [...byName.keys()].filter((name) => name.startsWith(prefix)).sort();
    },
    async delete(name) {
      ensureOpen();
      checkBlobName(name);
      byName.delete(name);
    },
  };
}
