import { describe, expect, it } from 'vitest';
import { Admission, Bucket } from './admission.ts';
import type { SenderKey } from './senders.ts';

const SECOND = 1_000_000;
const plenty = { senders: 4, newSendersPerS: 1e9, senderPerS: 1e9, senderBurst: 1e9, totalPerS: 1e9 };

function key(d: number): SenderKey {
  return { a: 0, b: 0, c: 0xffff, d, stream: 0 };
}

function open(limits: Partial<typeof plenty>, known: number[] = []) {
  const evicted: number[] = [];
  const admission: Admission = new Admission({
    limits: { ...plenty, ...limits },
    isKnown: ({ d }) => known.includes(d),
    evict: (sender) => evicted.push(admission.senders.keyOf(sender).d),
    seed: 1,
  });
  const admit = (d: number, nowUs: number) => admission.admit(key(d), nowUs) >= 0;
  const refused = () => {
    const counts: Record<string, number> = {};
    admission.takeRefused((hop, count) => {
      counts[hop] = count;
    });
    return counts;
  };
  return { admission, admit, refused, evicted };
}

describe('admission', () => {
  it('bounds what one sender may send, in the long run and at once', () => {
    const { admit, refused } = open({ senderPerS: 2, senderBurst: 3 });
    expect([0, 0, 0, 0].map((us) => admit(1, us))).toEqual([true, true, true, false]);
    expect(admit(2, 0)).toBe(true);
    expect([SECOND, SECOND, SECOND].map((us) => admit(1, us))).toEqual([true, true, false]);
    // However long it was silent.
    expect([9, 9, 9, 9].map((s) => admit(1, s * SECOND))).toEqual([true, true, true, false]);
    expect(refused()).toEqual({ sender_limited: 3 });
    expect(refused()).toEqual({});
  });

  it('bounds what all may send, but not the operator’s own', () => {
    const { admit, refused } = open({ totalPerS: 2 }, [7]);
    expect([1, 1, 1, 7, 7, 7, 2].map((d) => admit(d, 0))).toEqual([
      true,
      true,
      false,
      true,
      true,
      true,
      false,
    ]);
    expect(refused()).toEqual({ total_limited: 2 });
  });

  it('does not let one beyond its own limit use up that of all', () => {
    const { admit, refused } = open({ senders: 8, senderPerS: 1, senderBurst: 1, totalPerS: 4 });
    for (let i = 0; i < 100; i++) admit(1, 0);
    expect([2, 3, 4].map((d) => admit(d, 0))).toEqual([true, true, true]);
    expect(refused()).toEqual({ sender_limited: 99 });
  });

  it('bounds how many new senders come, but not the operator’s own', () => {
    const { admit, refused } = open({ newSendersPerS: 1 }, [7]);
    // As many as there is room for, and then one a second.
    expect([1, 2, 3, 4, 5, 4, 7].map((d) => admit(d, 0))).toEqual([
      true,
      true,
      true,
      true,
      false,
      true,
      true,
    ]);
    expect([5, 6].map((d) => admit(d, SECOND))).toEqual([true, false]);
    expect(refused()).toEqual({ strangers_limited: 2 });
  });

  it('makes room for new senders, the operator’s own last of all', () => {
    const { admission, admit, evicted } = open({}, [7]);
    for (const d of [7, 1, 2, 3, 4, 5]) expect(admit(d, d)).toBe(true);
    expect(evicted).toEqual([1, 2]);
    for (const d of [3, 4, 5]) admission.value(admission.senders.find(key(d)), 10 - d, true);
    expect(admit(6, 9)).toBe(true);
    expect(evicted).toEqual([1, 2, 5]);
    expect(admission.isKnown(admission.senders.find(key(7)))).toBe(true);
  });

  it('goes on when the clock goes back', () => {
    const { admit } = open({ senderPerS: 1, senderBurst: 1 });
    expect([admit(1, 100 * SECOND), admit(1, 5 * SECOND), admit(1, 6 * SECOND)]).toEqual([true, false, true]);
  });
});

describe('a bucket', () => {
  it('fills in time, and holds no more than its burst', () => {
    const bucket = new Bucket(10, 3);
    expect([bucket.take(0), bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(bucket.available(99_999)).toBe(0);
    expect(bucket.available(200_000)).toBe(2);
    expect(bucket.available(10 * SECOND)).toBe(3);
  });
});
