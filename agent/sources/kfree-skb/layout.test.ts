import { describe, expect, it } from 'vitest';
import { Btf, BtfKind } from '../../kernel/btf.ts';
import { BtfWriter } from '../../kernel/testing/btf-writer.ts';
import { LayoutError, readLayout } from './layout.ts';

interface Kernel {
  readonly parameters?: readonly string[];
  readonly cast?: boolean;
  readonly endBytes?: number;
  readonly members?: readonly string[];
}

const MEMBERS = ['len', 'protocol', 'end', 'head'];

function kernel({ parameters, cast = false, endBytes = 4, members = MEMBERS }: Kernel): Btf {
  const w = new BtfWriter();
  const u16 = w.int('u16', 2);
  const u32 = w.int('u32', 4);
  const types: Record<string, number> = {
    len: u32,
    protocol: u16,
    end: w.int('sk_buff_data_t', endBytes),
    head: w.reference(BtfKind.pointer, '', 0),
  };
  const skb = w.struct(
    'sk_buff',
    64,
    members.map((name, i) => ({ name, type: types[name]!, bits: i * 64 })),
  );
  w.struct('skb_shared_info', 64, [{ name: 'gso_segs', type: u16, bits: 48 }]);
  const known: Record<string, number> = {
    skb: w.reference(BtfKind.pointer, '', skb),
    location: w.reference(BtfKind.pointer, '', 0),
    reason: w.enum('skb_drop_reason', { SKB_NOT_DROPPED_YET: 0 }),
    rx_sk: w.reference(BtfKind.pointer, '', w.struct('sock', 4, [])),
  };
  if (parameters !== undefined) {
    const list = ['', ...parameters].map((name) => ['', known[name] ?? known['location']!] as const);
    w.reference(BtfKind.typedef, 'btf_trace_kfree_skb', w.reference(BtfKind.pointer, '', w.prototype(list)));
  }
  if (cast) w.reference(BtfKind.function, 'bpf_rdonly_cast', w.prototype([['obj', known['location']!]]));
  return new Btf(w.encode());
}

describe('readLayout', () => {
  it.each([
    { since: 'the beginning', parameters: ['skb', 'location'], reasonArgument: undefined },
    { since: '5.17', parameters: ['skb', 'location', 'reason'], reasonArgument: 2 },
    { since: '6.11', parameters: ['skb', 'location', 'reason', 'rx_sk'], reasonArgument: 2 },
  ])(
    'finds the reason among the arguments that kernels have since $since',
    ({ parameters, reasonArgument }) => {
      const layout = readLayout(kernel({ parameters }));
      expect(layout).toMatchObject({
        length: 0,
        protocol: 8,
        end: 16,
        head: 24,
        segments: 6,
        readOnlyCast: undefined,
      });
      expect(layout.reasonArgument).toBe(reasonArgument);
    },
  );

  it('finds the cast that Linux 6.2 brought', () => {
    const btf = kernel({ parameters: ['skb'], cast: true });
    expect(readLayout(btf).readOnlyCast).toEqual({
      function: btf.find(BtfKind.function, 'bpf_rdonly_cast'),
      sharedInfo: btf.find(BtfKind.struct, 'skb_shared_info'),
    });
  });

  it.each([
    { lacks: 'tracepoint', kernel: {}, message: 'this kernel has no tracepoint skb:kfree_skb' },
    {
      lacks: 'member',
      kernel: { parameters: ['skb'], members: ['len', 'protocol', 'end'] },
      message: "struct sk_buff has no member 'head'",
    },
    {
      lacks: 'width',
      kernel: { parameters: ['skb'], endBytes: 8 },
      message: 'sk_buff.end has 8 bytes, not 4',
    },
  ])('names the $lacks that is not as expected', ({ kernel: given, message }) => {
    expect(() => readLayout(kernel(given))).toThrow(new LayoutError(message));
  });
});
