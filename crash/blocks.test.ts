import { describe, expect, it } from 'vitest';
import { Blocks } from './blocks.ts';

describe('blocks', () => {
  it('are as many as there may be, each with memory of its own', () => {
    const blocks = new Blocks(1024, 600 * 1024 + 5);
    expect(blocks.capacity).toBe(600);
    const taken = Array.from({ length: 600 }, () => blocks.take());
    expect(new Set(taken).size).toBe(600);
    for (const block of taken)
      blocks.slabOf(block).fill(block & 0xff, blocks.startOf(block), blocks.startOf(block) + 1024);
    for (const block of taken) {
      const at = blocks.startOf(block);
      expect([blocks.slabOf(block)[at], blocks.slabOf(block)[at + 1023]]).toEqual([
        block & 0xff,
        block & 0xff,
      ]);
    }
    expect([blocks.take(), blocks.taken]).toEqual([-1, 600]);
  });

  it('can be taken again when they were given back', () => {
    const blocks = new Blocks(2048, 1);
    const block = blocks.take();
    expect([blocks.capacity, blocks.take()]).toEqual([1, -1]);
    blocks.give(block);
    expect([blocks.taken, blocks.take(), blocks.taken]).toEqual([0, block, 1]);
  });
});
