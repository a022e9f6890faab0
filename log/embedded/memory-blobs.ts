/** Blobs that live as long as the process, beside a log that does too. */

import type { Blobs } from '../log.ts';
import { checkBlobName, checkBlobPrefix } from '../names.ts';
import type { Room } from './room.ts';

/**
 * @param room what all of them together may take
 * @param ensureOpen throws when the log is closed
 */
export function memoryBlobs(room: Room, ensureOpen: () => void): Blobs {
  const byName = new Map<string, readonly Uint8Array[]>();
  return {
    async put(name, chunks) {
      ensureOpen();
      checkBlobName(name);
      const copy: Uint8Array[] = [];
      let bytes = 0;
      try {
        for await (const chunk of chunks) {
          room.take(chunk.length);
          bytes += chunk.length;
          // Not slice(), which of a Buffer makes a view.
          copy.push(new Uint8Array(chunk));
        }
      } catch (error) {
        room.give(bytes);
        throw error;
      }
      room.keep(name, bytes);
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
      room.remove(name);
      byName.delete(name);
    },
  };
}
