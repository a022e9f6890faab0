/**
 * Blobs as files of one folder. A file is the blob's bytes, then 4 bytes `nfb1`, then the SHA-256 of the bytes:
 * digest and data are one file, so they are replaced as one. It must not know what blobs hold.
 */

import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Blobs, LogError } from '../log.ts';
import { checkBlobName, checkBlobPrefix } from '../names.ts';
import { asLogError } from './errors.ts';
import type { Room } from './room.ts';

const MAGIC = Buffer.from('nfb1');
const TRAILER_BYTES = MAGIC.length + 32;
const READ_BYTES = 256 * 1024;
const SUFFIX = '.blob';
const TEMPORARY = '.tmp';

/**
 * @param logDir the folder of the log, which this process has locked
 * @param folder the name of the blobs' own folder in it
 * @param room what the files together may take
 * @param ensureOpen throws when the log is closed
 */
export function fileBlobs(logDir: string, folder: string, room: Room, ensureOpen: () => void): Blobs {
  const dir = join(logDir, folder);
  try {
    mkdirSync(dir, { recursive: true });
    for (const file of readdirSync(dir)) {
      // What a killed process was writing. The log's lock says that nobody writes now.
      if (file.endsWith(TEMPORARY)) rmSync(join(dir, file));
      else room.hold(file, statSync(join(dir, file)).size);
    }
  } catch (error) {
    throw asLogError(error, logDir);
  }
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    ensureOpen();
    try {
      return await work();
    } catch (error) {
      // A chunk source may fail with errors of its own: only what the file system says is the log's.
      throw error instanceof Error && 'syscall' in error ? asLogError(error, logDir) : error;
    }
  };
  return {
    async put(name, chunks) {
      checkBlobName(name);
      await guarded(async () => {
        const temporary = join(dir, `${randomUUID()}${TEMPORARY}`);
        const file = fileOf(name);
        let taken = 0;
        try {
          await write(temporary, chunks, (bytes) => {
            room.take(bytes);
            taken += bytes;
          });
          await rename(temporary, join(dir, file));
          room.keep(file, taken);
        } catch (error) {
          room.give(taken);
          await rm(temporary, { force: true });
          throw error;
        }
        await syncFolder(dir);
      });
    },
    async get(name) {
      checkBlobName(name);
      const path = join(dir, fileOf(name));
      return guarded(async () => ((await exists(path)) ? verifiedChunks(path, name, logDir) : null));
    },
    async list(prefix) {
      checkBlobPrefix(prefix);
      const files = await guarded(() => readdir(dir));
      return files
        .filter((file) => file.endsWith(SUFFIX))
        .map((file) => decodeURIComponent(file.slice(0, -SUFFIX.length)))
        .filter((name) => name.startsWith(prefix))
        .sort();
    },
    async delete(name) {
      checkBlobName(name);
      await guarded(async () => {
        const file = fileOf(name);
        await rm(join(dir, file), { force: true });
        room.remove(file);
        await syncFolder(dir);
      });
    },
  };
}

/** One flat file a blob: `/` is escaped, and the suffix keeps names like `..` from meaning a folder. */
function fileOf(name: string): string {
  return encodeURIComponent(name) + SUFFIX;
}

/** @param take is asked for every byte before it is written */
async function write(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  take: (bytes: number) => void,
): Promise<void> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  try {
    take(TRAILER_BYTES);
    for await (const chunk of chunks) {
      take(chunk.length);
      hash.update(chunk);
      await writeAll(file, chunk);
    }
    await writeAll(file, Buffer.concat([MAGIC, hash.digest()]));
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, data: Uint8Array): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await file.write(data, done);
    done += bytesWritten;
  }
}

async function* verifiedChunks(path: string, name: string, logDir: string): AsyncGenerator<Uint8Array> {
  const corrupt = () =>
    new LogError(
      'corrupt',
      `blob ${name} in ${logDir} does not match its digest: delete it and use another one`,
    );
  const file = await open(path).catch((error: unknown) => {
    throw asLogError(error, logDir);
  });
  try {
    const dataBytes = (await file.stat()).size - TRAILER_BYTES;
    if (dataBytes < 0) throw corrupt();
    const hash = createHash('sha256');
    for (let position = 0; position < dataBytes; ) {
      const chunk = await readAt(file, position, Math.min(READ_BYTES, dataBytes - position));
      if (chunk.length === 0) throw corrupt();
      position += chunk.length;
      hash.update(chunk);
      yield chunk;
    }
    const trailer = await readAt(file, dataBytes, TRAILER_BYTES);
    if (!Buffer.concat([MAGIC, hash.digest()]).equals(trailer)) throw corrupt();
  } catch (error) {
    throw asLogError(error, logDir);
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

/** Makes a rename or a removal durable. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
