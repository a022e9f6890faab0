import { describe, expect, it } from 'vitest';
import { CAPABILITIES, parsePrivileges } from './capabilities.ts';

describe('parsePrivileges', () => {
  it.each([
    ['CapEff:\t0000000000000000\n', []],
    ['CapPrm:\tffffffffffffffff\nCapEff:\t000000c000000000\nCapBnd:\t0\n', ['CAP_PERFMON', 'CAP_BPF']],
    ['CapEff:\t0000000000201000\n', ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN']],
    [
      'CapEff:\t000001ffffffffff\n',
      ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_SYSLOG', 'CAP_PERFMON', 'CAP_BPF'],
    ],
    ['no such line', []],
  ])('reads the effective capabilities of %j', (status, held) => {
    expect([...parsePrivileges(status, '').effective]).toEqual(held);
  });

  it('reads what keeps a process from more', () => {
    const status =
      'Uid:\t1000\t0\t0\t0\nCapEff:\t0000000000000000\nCapBnd:\t0000000000001000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n';
    expect(parsePrivileges(status, 'user:[4026532000]')).toEqual({
      root: true,
      effective: new Set(),
      bounding: new Set(['CAP_NET_ADMIN']),
      noNewPrivileges: true,
      seccomp: true,
      initialUserNamespace: false,
    });
  });

  it('takes what an old kernel does not say for no hindrance', () => {
    expect(parsePrivileges('Uid:\t0\t1000\t0\t0\nSeccomp:\t1\n', '')).toEqual({
      root: false,
      effective: new Set(),
      bounding: new Set(CAPABILITIES),
      noNewPrivileges: false,
      seccomp: false,
      initialUserNamespace: true,
    });
    expect(parsePrivileges('', 'user:[4026531837]').initialUserNamespace).toBe(true);
  });
});
