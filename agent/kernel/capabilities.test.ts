import { describe, expect, it } from 'vitest';
import { parseCapabilities } from './capabilities.ts';

describe('parseCapabilities', () => {
  it.each([
    ['CapEff:\t0000000000000000\n', []],
    ['CapPrm:\tffffffffffffffff\nCapEff:\t000000c000000000\nCapBnd:\t0\n', ['CAP_PERFMON', 'CAP_BPF']],
    ['CapEff:\t0000000000201000\n', ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN']],
    [
      'CapEff:\t000001ffffffffff\n',
      ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_SYSLOG', 'CAP_PERFMON', 'CAP_BPF'],
    ],
    ['no such line', []],
  ])('reads %j', (status, held) => {
    expect([...parseCapabilities(status)]).toEqual(held);
  });
});
