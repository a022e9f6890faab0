/** Contract: blobs, in each of a log's stores. */

import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Blobs } from '../log.ts';
import { type Bed, type BlobStoreName, rejection, type Traits } from './bed.ts';

export async function whole(blobs: Blobs, name: string): Promise<Buffer | null> {
  const chunks = await blobs.get(name);
  if (!chunks) return null;
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

export function blobs(bed: () => Bed, traits: Traits, store: BlobStoreName): void {
  const open = async () => (await bed().open())[store];

  test('what was put comes back, whatever its size and however it was cut', async () => {
    const blobs = await open();
    const big = randomBytes(3_000_001);
    await blobs.put('big', [big.subarray(0, 1), big.subarray(1, 1_000_000), big.subarray(1_000_000)]);
    expect(sha256((await whole(blobs, 'big'))!)).toBe(sha256(big));
    async function* slowly() {
      yield Buffer.from('one ');
      await new Promise((resolve) => setImmediate(resolve));
      yield new Uint8Array(0);
      yield Buffer.from('two');
    }
    await blobs.put('small', slowly());
    expect((await whole(blobs, 'small'))?.toString()).toBe('one two');
    await blobs.put('empty', []);
    expect(await whole(blobs, 'empty')).toEqual(Buffer.alloc(0));
    expect(await whole(blobs, 'missing')).toBeNull();
  });

  test('a source may use one buffer for all that it gives', async () => {
    const blobs = await open();
    async function* reusing() {
      const buffer = Buffer.alloc(100_000);
      for (let byte = 1; byte <= 5; byte++) yield buffer.fill(byte);
      buffer.fill(0);
    }
    await blobs.put('log', reusing());
    const expected = Buffer.concat([1, 2, 3, 4, 5].map((byte) => Buffer.alloc(100_000, byte)));
    expect((await whole(blobs, 'log'))?.equals(expected)).toBe(true);
  });

  test('a name is replaced as a whole, and a failed put leaves the old one', async () => {
    const blobs = await open();
    await blobs.put('snapshot', [Buffer.from('old and long')]);
    await blobs.put('snapshot', [Buffer.from('new')]);
    expect((await whole(blobs, 'snapshot'))?.toString()).toBe('new');
    const source = new Error('the source failed');
    async function* failing() {
      yield randomBytes(300_000);
      throw source;
    }
    await expect(blobs.put('snapshot', failing())).rejects.toBe(source);
    await expect(blobs.put('other', failing())).rejects.toBe(source);
    expect((await whole(blobs, 'snapshot'))?.toString()).toBe('new');
    expect(await blobs.list('')).toEqual(['snapshot']);
  });

  test('a blob that is replaced or deleted while it is read never comes back mixed', async () => {
    const blobs = await open();
    const old = randomBytes(2_000_000);
    await blobs.put('snapshot', [old]);
    const chunks = (await blobs.get('snapshot'))!;
    const parts: Uint8Array[] = [];
    const outcome = await (async () => {
      try {
        for await (const chunk of chunks) {
          if (parts.push(chunk) === 1) await blobs.put('snapshot', [Buffer.from('new')]);
        }
        return sha256(Buffer.concat(parts)) === sha256(old) ? 'old' : 'mixed';
      } catch (error) {
        return (error as { code: string }).code;
      }
    })();
    expect(['old', 'corrupt']).toContain(outcome);
    expect((await whole(blobs, 'snapshot'))?.toString()).toBe('new');
  });

  test('names are listed by prefix, sorted, and deleted ones are gone', async () => {
    const blobs = await open();
    for (const name of ['snapshot/2', 'snapshot/10', 'log/a', 'snapshot-x', 'a.b_c-D/..']) {
      await blobs.put(name, [Buffer.from(name)]);
    }
    expect(await blobs.list('')).toEqual(['a.b_c-D/..', 'log/a', 'snapshot-x', 'snapshot/10', 'snapshot/2']);
    expect(await blobs.list('snapshot/')).toEqual(['snapshot/10', 'snapshot/2']);
    expect((await whole(blobs, 'a.b_c-D/..'))?.toString()).toBe('a.b_c-D/..');
    await blobs.delete('snapshot/2');
    await blobs.delete('snapshot/2');
    await blobs.delete('never');
    expect(await blobs.list('snapshot/')).toEqual(['snapshot/10']);
    expect(await whole(blobs, 'snapshot/2')).toBeNull();
    await blobs.put('snapshot/2', [Buffer.from('again')]);
    expect((await whole(blobs, 'snapshot/2'))?.toString()).toBe('again');
  });

  test('names out of the agreed form are the fault of the caller', async () => {
    const blobs = await open();
    for (const name of ['', '/', 'a/', '/a', 'a//b', 'a b', 'ä', 'a\0', 'x'.repeat(201)]) {
      await expect(blobs.put(name, [])).rejects.toThrow(TypeError);
      await expect(blobs.get(name)).rejects.toThrow(TypeError);
      await expect(blobs.delete(name)).rejects.toThrow(TypeError);
    }
    await expect(blobs.list('*')).rejects.toThrow(TypeError);
    await blobs.put('..', [Buffer.from('just a name')]);
    await blobs.put('x'.repeat(200), []);
    expect(await blobs.list('')).toEqual(['..', 'x'.repeat(200)]);
  });

  if (!traits.durable) return;

  test('damage is noticed', async () => {
    const blobs = await open();
    await blobs.put('snapshot', [randomBytes(500_000)]);
    expect(await rejection(whole(blobs, 'snapshot'))).toBe('resolved');
    await bed().corruptBlob(store, 'snapshot');
    expect(await rejection(whole(blobs, 'snapshot'))).toBe('corrupt');
  });

  test('blobs outlive the handle', async () => {
    const log = await bed().open();
    await log[store].put('snapshot', [Buffer.from('kept')]);
    await log.close();
    expect((await whole(await open(), 'snapshot'))?.toString()).toBe('kept');
  });
}
