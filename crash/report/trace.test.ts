import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameOf, pointerOf, traceHead } from './trace.ts';

const plain = { module: '', source: '', reliable: true, inline: false, line: 7, passed: '' };

describe('frames', () => {
  it.each([
    [' ip_rcv+0x1d/0x110', { function: 'ip_rcv', offset: 0x1d }],
    ['  ? ip_rcv+0x1d/0x110', { function: 'ip_rcv', offset: 0x1d, reliable: false }],
    [' [<ffffffff8388f2bb>] ip_rcv+0x1d/0x110', { function: 'ip_rcv', offset: 0x1d }],
    [' [<ffffffff8388f2bb>] ? ip_rcv+0x1d/0x110', { function: 'ip_rcv', offset: 0x1d, reliable: false }],
    [' mlx5e_poll+0x7/0x9 [mlx5_core]', { function: 'mlx5e_poll', offset: 7, module: 'mlx5_core' }],
    [
      ' mlx5e_poll+0x7/0x9 [mlx5_core 0123456789abcdef0123456789abcdef01234567]',
      { function: 'mlx5e_poll', offset: 7, module: 'mlx5_core' },
    ],
    [' poke+0x7/0x9 [evil (OE)]', { function: 'poke', offset: 7, module: 'evil' }],
    [
      ' ip_rcv+0x1d/0x110 net/ipv4/ip_input.c:564',
      { function: 'ip_rcv', offset: 0x1d, source: 'net/ipv4/ip_input.c:564' },
    ],
    [
      ' skb_put include/linux/skbuff.h:2100 [inline]',
      { function: 'skb_put', offset: null, source: 'include/linux/skbuff.h:2100', inline: true },
    ],
    [
      ' ring_ioctl (drivers/net/demo.c:99 drivers/net/demo.c:120) eth_demo',
      { function: 'ring_ioctl', offset: null, module: 'eth_demo', source: 'drivers/net/demo.c:99' },
    ],
    [
      ' ? ip_rcv (net/ipv4/ip_input.c:564 (discriminator 3))',
      { function: 'ip_rcv', offset: null, source: 'net/ipv4/ip_input.c:564', reliable: false },
    ],
    ['<4>[unused] x', null],
    [
      '[<8010f7a4>] (unwind_backtrace) from [<8010c1b8>] (show_stack+0x10/0x14)',
      { function: 'show_stack', offset: 16 },
    ],
    [' unwind_backtrace from show_stack+0x10/0x14', { function: 'show_stack', offset: 16 }],
    [
      '[c00000007a3efa20] [c00000000030a060] rebuild+0x80/0x90 (unreliable)',
      { function: 'rebuild', offset: 128, reliable: false },
    ],
    ['RAX: 0000000000000000 RBX: 0000000000000003 RCX: 0000000000000000', null],
    ['Modules linked in: dm_mod(E) ext4(E)', null],
    ['', null],
  ])('%s', (text, expected) => {
    expect(frameOf(text, 7)).toEqual(expected && { ...plain, ...expected });
  });

  it.each([
    ['RIP: 0010:ip_rcv+0x1d/0x110', { function: 'ip_rcv', offset: 0x1d }, false],
    [
      'RIP: 0010:[<ffffffff826>]  [<ffffffff826>] ip_rcv+0x1d/0x110',
      { function: 'ip_rcv', offset: 0x1d },
      false,
    ],
    ['RIP: 0010:poke+0x1d/0x110 [evil]', { function: 'poke', offset: 0x1d, module: 'evil' }, false],
    [
      'RIP: 0010:ring_fill (drivers/net/demo.c:77 (discriminator 3)) eth_demo',
      { function: 'ring_fill', offset: null, source: 'drivers/net/demo.c:77' },
      false,
    ],
    ['RIP: 0010:0x0', null, false],
    ['RIP: 0033:0x452ac9', null, true],
    ['pc : ip_rcv+0x1c/0x110', { function: 'ip_rcv', offset: 0x1c }, false],
    ['PC is at ip_rcv+0x1c/0x110', { function: 'ip_rcv', offset: 0x1c }, false],
  ])('where a processor was: %s', (text, frame, isUser) => {
    expect(pointerOf(text, 7)).toEqual({ frame: frame && { ...plain, ...frame }, isUser });
  });

  it.each([
    ['Call Trace:', 'call'],
    ['Call trace:', 'call'],
    [' backtrace (crc 1f2e3d4c):', 'call'],
    ['Allocated by task 77:', 'history'],
    ['Freed by task 77 on cpu 1 at 12.5s:', 'history'],
    ['Uninit was created at:', 'history'],
    ['-> #1 (rtnl_mutex){+.+.}-{3:3}:', 'lock'],
    ['... which became SOFTIRQ-irq-safe at:', 'lock'],
    ['{IN-HARDIRQ-W} state was registered at:', 'lock'],
    ['eth0: link up', null],
  ])('what begins a trace: %s', (text, kind) => {
    expect(traceHead(text)).toBe(kind);
  });

  it('are read of anything without a fault', () => {
    const piece = fc.constantFrom(
      ' ',
      '? ',
      '[<ffffffff8388f2bb>]',
      'foo',
      '+0x1',
      '/0x2',
      '[mod]',
      'RIP: 0010:',
      'a.c:1',
      '(',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string())), (parts) => {
        const text = parts.join('');
        const frame = frameOf(text, 0) ?? pointerOf(text, 0)?.frame;
        if (frame) expect(frame.function).toMatch(/^[A-Za-z_$][\w.$]*$/);
      }),
    );
  });
});
