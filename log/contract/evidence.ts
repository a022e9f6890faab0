/** Contract: what evidence has beyond other blobs: a place of its own, and a bound. */

import { expect, test } from 'vitest';
import { type Bed, rejection, type Traits } from './bed.ts';
import { whole } from './blobs.ts';

export function evidence(bed: () => Bed, traits: Traits): void {
  test('is apart from other blobs', async () => {
    const log = await bed().open();
    await log.evidence.put('one', [Buffer.from('evidence')]);
    await log.blobs.put('one', [Buffer.from('snapshot')]);
    await log.blobs.put('two', []);
    expect((await whole(log.evidence, 'one'))?.toString()).toBe('evidence');
    expect(await log.evidence.list('')).toEqual(['one']);
    await log.evidence.delete('one');
    expect(await log.blobs.list('')).toEqual(['one', 'two']);
    expect((await whole(log.blobs, 'one'))?.toString()).toBe('snapshot');
  });

  test('what finds no room is full, leaves nothing behind, and fits once there is room', async () => {
    const log = await bed().open({ maxEvidenceBytes: 1_000_000 });
    const { evidence } = log;
    const data = (byte: number) => [new Uint8Array(400_000).fill(byte)];
    await evidence.put('a', data(1));
    await evidence.put('b', data(2));
    // Of other blobs there may be more.
    await log.blobs.put('a', [new Uint8Array(2_000_000)]);
    for (let tries = 0; tries < 5; tries++) expect(await rejection(evidence.put('c', data(3)))).toBe('full');
    // Not even in place of another: that one stands until the new one is whole.
    expect(await rejection(evidence.put('a', data(3)))).toBe('full');
    expect(await evidence.list('')).toEqual(['a', 'b']);
    expect((await whole(evidence, 'a'))?.equals(data(1)[0]!)).toBe(true);
    await evidence.put('small', [new Uint8Array(100_000)]);
    await evidence.delete('small');
    await evidence.delete('a');
    // In one another's place, over and over: what is replaced takes no room.
    for (let byte = 3; byte < 9; byte++) {
      await evidence.put('b', [new Uint8Array(100_000)]);
      await evidence.put('c', data(byte));
    }
    expect((await whole(evidence, 'c'))?.equals(data(8)[0]!)).toBe(true);
  });

  if (!traits.durable) return;

  test('the bound holds for what was there before', async () => {
    const before = await bed().open({ maxEvidenceBytes: 1_000_000 });
    await before.evidence.put('a', [new Uint8Array(400_000)]);
    await before.close();
    const { evidence } = await bed().open();
    await evidence.put('b', [new Uint8Array(400_000)]);
    expect(await rejection(evidence.put('c', [new Uint8Array(400_000)]))).toBe('full');
  });
}
