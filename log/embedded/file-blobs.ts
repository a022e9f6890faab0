/**
 * Blobs as files under `dir/blobs`. A file is the blob's bytes, then 4 bytes `nfb1`, then the SHA-256 of the bytes:
 * digest and data are one file, so they are replaced as one. It must not know what blobs hold.
 */

import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Blobs, LogError } from '../log.ts';
import { checkBlobName, checkBlobPrefix } from '../names.ts';
import { asLogError } from './errors.ts';

const MAGIC = Buffer.from('nfb1');
const TRAILER_BYTES = MAGIC.length + 32;
const READ_BYTES = 256 * 1024;
const SUFFIX = '.blob';
const TEMPORARY = '.tmp';

/**
 * @param logDir the folder of the log, which this process has locked
 * @param ensureOpen throws when the log is closed
 */
export function fileBlobs(logDir: string, ensureOpen: () => void): Blobs {
  const dir = join(logDir, 'blobs');
  try {
    mkdirSync(dir, { recursive: true });
    // What a killed process was writing. The log's lock says that nobody writes now.
    for (const file of readdirSync(dir)) if (file.endsWith(TEMPORARY)) rmSync(join(dir, file));
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
        try {
          await write(temporary, chunks);
          await rename(temporary, join(dir, fileOf(name)));
          await syncFolder(dir);
        } catch (error) {
          await rm(temporary, { force: true });
          throw error;
        }
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
        await rm(join(dir, fileOf(name)), { force: true });
        await syncFolder(dir);
      });
    },
  };
}

/** One flat file a blob: `/` is escaped, and the suffix keeps names like `..` from meaning a folder. */
function fileOf(name: string): string {
  return encodeURIComponent(name) + SUFFIX;
}

async function write(path: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  try {
    for await (const chunk of chunks) {
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
