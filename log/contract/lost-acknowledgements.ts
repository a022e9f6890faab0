/** Contract: what a retry meets when the message was stored and only its acknowledgement was lost. */

import { expect, test } from 'vitest';
import { type Bed, collect, message, rejection, texts } from './bed.ts';

export function lostAcknowledgements(bed: () => Bed): void {
  test('a retry inside the window finds the first copy', async () => {
    const { log, loseAcks, keepAcks } = await bed().openLossy();
    await log.append(message('a'));
    loseAcks();
    expect(['unavailable', 'timeout']).toContain(await rejection(log.append(message('b'))));
    await keepAcks();
    expect(await log.append(message('b'))).toEqual({ sequence: 2, duplicate: true });
    expect(await log.append(message('c'))).toEqual({ sequence: 3, duplicate: false });
    expect(texts(await collect(log, 1, 3))).toEqual(['a', 'b', 'c']);
  });

  test('the retry of a claim finds that it was won', async () => {
    const { log, loseAcks, keepAcks } = await bed().openLossy();
    loseAcks();
    const claim = message('mine', { expectLastOnSubject: 0 });
    expect(['unavailable', 'timeout']).toContain(await rejection(log.append(claim)));
    await keepAcks();
    expect(await log.append(claim)).toEqual({ sequence: 1, duplicate: true });
    expect(await rejection(log.append(message('yours', { expectLastOnSubject: 0 })))).toBe('conflict');
  });

  test('retries that come late and in another order store nothing twice', async () => {
    const { log, loseAcks, keepAcks } = await bed().openLossy();
    loseAcks();
    const lost = await Promise.all(['m1', 'm2', 'm3'].map((id) => rejection(log.append(message(id)))));
    for (const code of lost) expect(['unavailable', 'timeout']).toContain(code);
    await keepAcks();
    await log.append(message('m4'));
    await log.append(message('m5'));
    const retried = [];
    for (const id of ['m3', 'm1', 'm2']) retried.push(await log.append(message(id)));
    expect(retried.every(({ duplicate }) => duplicate)).toBe(true);
    expect(new Set(retried.map(({ sequence }) => sequence))).toEqual(new Set([1, 2, 3]));
    const entries = await collect(log, 1, 5);
    expect(texts(entries).sort()).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']);
    for (const [index, id] of ['m3', 'm1', 'm2'].entries()) {
      expect(texts([entries[retried[index]!.sequence - 1]!])).toEqual([id]);
    }
  });
}
