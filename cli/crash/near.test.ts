import { describe, expect, it } from 'vitest';
import { aFrame, aGroup, aReport } from '../testing/report.ts';
import { candidates, nearest, type Stacks } from './near.ts';

const report = aReport();
const own = aGroup();
const samePlace = aGroup({ signature: '1:b', bug: 'leak in tun_chr_close' });
const sameKind = aGroup({ signature: '1:c', bug: 'bad-access in tap_release' });
const nowhere = aGroup({ signature: '1:d', bug: 'bad-access' });
const other = aGroup({ signature: '1:e', bug: 'lockup in native_safe_halt' });

const stackOf = (...names: string[]) => ({
  frames: names.map((name) => aFrame(name)),
  guilty: 0,
});

describe('groups that may be near', () => {
  it('share the signature, the place, or the class', () => {
    const of = [other, sameKind, nowhere, samePlace, own];
    expect(candidates(report, of)).toEqual([samePlace, own, sameKind, nowhere]);
  });

  it('share no place when there is none', () => {
    const placeless = aReport({ bug: 'panic', signature: '1:f' });
    expect(candidates(placeless, [own, aGroup({ signature: '1:g', bug: 'panic' })])).toMatchObject([
      { bug: 'panic' },
    ]);
    expect(candidates(placeless, [aGroup({ signature: '1:h', bug: 'leak' })])).toEqual([]);
  });

  it('are few, and those that are certainly near come first', () => {
    const many = Array.from({ length: 100 }, (_, i) => aGroup({ ...sameKind, signature: `1:${i}` }));
    const found = candidates(report, [...many, own]);
    expect(found).toHaveLength(24);
    expect(found[0]).toBe(own);
  });
});

describe('groups that are near', () => {
  it('are in order, and those of the class only with most of the stack', () => {
    const stacks: Stacks = new Map([
      [sameKind.signature, stackOf('tap_release', '__fput', '____fput', 'do_syscall_64')],
      [nowhere.signature, stackOf('a', 'b', 'c', 'do_syscall_64')],
    ]);
    const near = nearest(report, [nowhere, sameKind, samePlace, own], stacks);
    expect(near.map(({ by, group, shared, functions }) => [by, group.signature, shared, functions])).toEqual([
      ['signature', own.signature, 0, 4],
      ['place', '1:b', 0, 4],
      ['stack', '1:c', 3, 4],
    ]);
  });

  it('differ where both sides say, and by who called', () => {
    const stacks: Stacks = new Map([[own.signature, stackOf('tun_chr_close', '__fput', 'delayed_fput')]]);
    expect(nearest(report, [own], stacks)[0]?.differences).toEqual([
      { what: 'kernel', here: '6.12.9-amd64', there: ['6.1.0-18-amd64'] },
      { what: 'taint', here: 'GWOE', there: [''] },
      { what: 'caller', here: '____fput', there: ['delayed_fput'] },
    ]);
    const quiet = aReport({ kernel: '', taint: { flags: '', meanings: [] }, hardware: '' });
    expect(nearest(quiet, [own], new Map())[0]?.differences).toEqual([]);
    const alike = aGroup({
      kernels: [...own.kernels, { name: report.kernel, crashes: 1 }],
      taints: [{ name: 'GWOE', crashes: 1 }],
    });
    const same = new Map([[own.signature, { frames: report.frames, guilty: report.guilty }]]);
    expect(nearest(report, [alike], same)[0]?.differences).toEqual([]);
  });
});
