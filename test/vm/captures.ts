/**
 * What is kept of a crash in a VM as a fixture: what its netconsole sent, what its console printed, and what pstore had of
 * it after the reboot. capture-crashes.ts makes them; each is three files in test/fixtures/crashes.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

const folder = join(import.meta.dirname, '../fixtures/crashes');

/** The ports of netconsole's two targets, basic and extended. */
export const basicPort = 6666;
export const extendedPort = 6667;

export interface Capture {
  /** In the order in which they arrived. */
  readonly datagrams: readonly Datagram[];
  /** What the kernel printed in that boot, as on a terminal. */
  readonly console: string;
  /** None when the kernel lived on. */
  readonly pstore: readonly PstoreRecord[];
}

export interface Datagram {
  /** Where it was sent to: {@link basicPort} or {@link extendedPort}. */
  readonly port: number;
  /** Since the first one. */
  readonly at_ms: number;
  readonly data: Buffer;
}

export interface PstoreRecord {
  /** The file's name. */
  readonly name: string;
  /** By its inode, since the Unix epoch. */
  readonly mtime_us: number;
  readonly data: Buffer;
}

/** The names of those there are: "KERNEL-TROUBLE". */
export async function captureNames(): Promise<string[]> {
  return (await readdir(folder)).flatMap((name) => /^(.+)\.console\.txt\.gz$/.exec(name)?.[1] ?? []).sort();
}

export async function readCapture(name: string): Promise<Capture> {
  const read = async (kind: string) =>
    gunzipSync(await readFile(join(folder, `${name}.${kind}.gz`))).toString();
  return {
    datagrams: readRecords<Datagram>(await read('ndjson')),
    console: await read('console.txt'),
    pstore: readRecords<PstoreRecord>(await read('pstore.ndjson')),
  };
}

export async function writeCapture(name: string, { datagrams, console, pstore }: Capture): Promise<void> {
  await mkdir(folder, { recursive: true });
  const write = (kind: string, text: string) => writeFile(join(folder, `${name}.${kind}.gz`), gzipSync(text));
  await write('ndjson', writeRecords(datagrams));
  await write('console.txt', console);
  await write('pstore.ndjson', writeRecords(pstore));
}

/** Reads records that are a line of JSON each, `data` in base64. */
export function readRecords<T extends { readonly data: Buffer }>(text: string): T[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    const record = JSON.parse(line) as Omit<T, 'data'> & { readonly data: string };
    return [{ ...record, data: Buffer.from(record.data, 'base64') } as unknown as T];
  });
}

function writeRecords(records: readonly { readonly data: Buffer }[]): string {
  return records
    .map((record) => `${JSON.stringify({ ...record, data: record.data.toString('base64') })}\n`)
    .join('');
}
