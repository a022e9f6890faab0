import { describe, expect, it } from 'vitest';
import {
  plainFunction,
  SIGNATURE_VERSION,
  type Signed,
  signatureOf,
  signatureVersions,
} from './signature.ts';

function signed(bug: string, functions: readonly string[], guilty: number | null = 0): Signed {
  return {
    bug,
    guilty,
    frames: functions.map((name) => ({ function: name, reliable: !name.startsWith('?') })),
  };
}

describe('signatures', () => {
  it('are what they were: stored ones must go on meaning the same', () => {
    const stack = signed('bad-access in ring_fill', [
      'ring_fill.isra.0',
      '?printk',
      'eth_demo_poll',
      '__napi_poll',
      'net_rx_action',
    ]);
    expect(SIGNATURE_VERSION).toBe(1);
    expect(signatureVersions.map(({ version }) => version)).toEqual([1, 2]);
    expect(signatureOf(stack)).toBe('1:b059a8c020abe1e2');
    expect(signatureOf(stack, 1)).toBe('1:b059a8c020abe1e2');
    expect(signatureOf(stack, 2)).toBe('2:792fb4aef9c9b703');
    expect(signatureOf(signed('', [], null))).toBe('1:cbf29ce484222325');
  });

  it('of version 1 are the same wherever the place was called from, those of version 2 are not', () => {
    const [a, b] = [signed('b', ['f', 'g', 'h', 'i']), signed('b', ['f', 'g', 'x', 'i'])];
    expect(signatureOf(a)).toBe(signatureOf(b));
    expect(signatureOf(a, 2)).not.toBe(signatureOf(b, 2));
    expect(signatureOf(a, 2)).toBe(
      signatureOf(signed('b', ['f.cold', 'g.part.3', '?j', 'h.constprop.0', 'z']), 2),
    );
  });

  it('have versions that are known', () => {
    expect(() => signatureOf(signed('b', []), 7)).toThrow(new RangeError('no version 7 of signatures'));
  });
});

describe("a function's own name", () => {
  it.each([
    ['ip_rcv', 'ip_rcv'],
    ['ip_rcv.isra.0', 'ip_rcv'],
    ['ip_rcv.constprop.0.isra.12', 'ip_rcv'],
    ['ip_rcv.part.3.cold', 'ip_rcv'],
    ['ip_rcv.cold.12', 'ip_rcv'],
    ['ip_rcv.llvm.8372633716253', 'ip_rcv'],
    ['ip_rcv.cfi_jt', 'ip_rcv'],
    ['do.something', 'do.something'],
    ['_ZN4demo3runEv.cold', 'demo::run'],
  ])('of %s is %s', (name, plain) => {
    expect(plainFunction(name)).toBe(plain);
  });
});
