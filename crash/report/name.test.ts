import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameOf } from './name.ts';

describe('titles', () => {
  it('are what happened and where, and what others would call it', () => {
    expect(nameOf('KASAN: use-after-free Read', 'bad-access', 'tun_close.isra.0')).toEqual({
      title: 'KASAN: use-after-free Read in tun_close',
      alternates: ['bad-access in tun_close'],
      bug: 'bad-access in tun_close',
      place: 'tun_close',
    });
    expect(nameOf('BUG: workqueue lockup', undefined, null)).toEqual({
      title: 'BUG: workqueue lockup',
      alternates: [],
      bug: 'BUG: workqueue lockup',
      place: '',
    });
  });

  it.each([
    ['__x64_sys_mount', 'sys_mount'],
    ['__do_sys_mount', 'sys_mount'],
    ['__ia32_compat_sys_ioctl', 'sys_ioctl'],
    ['__arm64_sys_wait4', 'sys_wait4'],
    ['SyS_mount', 'mount'],
    ['ksys_mount', 'mount'],
    ['synchronize_sched', 'synchronize_rcu'],
    ['synchronize_rcu_expedited', 'synchronize_rcu'],
    ['__synchronize_srcu', 'synchronize_rcu'],
    ['smp_call_function_many_cond', 'smp_call_function'],
    ['bpf_prog_6deef7357e7b4530_filter', 'bpf_prog'],
  ])('call %s %s', (raw, place) => {
    expect(nameOf('INFO: task hung', 'hang', raw)).toEqual({
      title: `INFO: task hung in ${place}`,
      alternates: [`INFO: task hung in ${raw}`, `hang in ${place}`, `hang in ${raw}`],
      bug: `hang in ${place}`,
      place,
    });
  });

  it.each([
    ['kernel panic: unknown-block(0,0)', 'kernel panic: unknown-block(NUM,NUM)'],
    ['at addr ffff888012345678', 'at addr ADDR'],
    ['at 0x7f00 of 10.0.0.1', 'at ADDR of IP'],
    ['in tun_close+0x12/0x90', 'in tun_close'],
    ['fs/ext4/inode.c:7123', 'fs/ext4/inode.c:LINE'],
    ['stuck on CPU#3 with PID 4711', 'stuck on CPU with PID'],
    ['machine check in bank 4', 'machine check in bank 4'],
    ['crc32 of sha256', 'crc32 of sha256'],
  ])('leave out what differs from time to time: %s', (what, title) => {
    expect(nameOf(what, undefined, null).title).toBe(title);
  });

  it('are steady: what was made of one is made of it again', () => {
    const piece = fc.constantFrom(
      '0x1f',
      '77',
      'ffff888012345678',
      '10.0.0.1',
      'f+0x1/0x2',
      ':',
      '/',
      'a.c:1',
      'CPU#',
      ' ',
      '(',
      'x',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (parts) => {
        const { title } = nameOf(parts.join(''), undefined, null);
        expect(nameOf(title, undefined, null).title).toBe(title);
      }),
    );
  });
});
