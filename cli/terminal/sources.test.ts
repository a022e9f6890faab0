import { expect, it } from 'vitest';
import { type SourceRow, sourceReport } from './sources.ts';

const paper = { width: 60, colour: false };
const setcap = `setcap cap_bpf,cap_perfmon+ep /${'a-long-folder/'.repeat(5)}node`;

const unavailable: SourceRow = {
  name: 'kfree-skb',
  state: 'unavailable',
  detail: 'counts no drops; CAP_BPF and CAP_PERFMON not held',
  mend: `${setcap}, or AmbientCapabilities=CAP_BPF CAP_PERFMON in the systemd unit`,
};

it('wraps what sources say, and breaks no command', () => {
  const counters: SourceRow = { name: 'counters', state: 'ok', detail: 'kernel counters', mend: '' };
  expect(sourceReport([unavailable, counters], paper)).toEqual([
    'kfree-skb  unavailable  counts no drops; CAP_BPF and',
    '                        CAP_PERFMON not held',
    'counters   ok           kernel counters',
    '',
    'To mend kfree-skb, one of:',
    `  ${setcap}`,
    '  AmbientCapabilities=CAP_BPF CAP_PERFMON in the systemd unit',
  ]);
});

it('says a mend that helps twice once', () => {
  const rows = ['a', 'b'].map((name) => ({ ...unavailable, name, detail: '', mend: 'modprobe a' }));
  expect(sourceReport(rows, paper)).toEqual([
    'a  unavailable',
    'b  unavailable',
    '',
    'To mend a and b:',
    '  modprobe a',
  ]);
});

it('tells what has to be done beside each other from what can be done instead', () => {
  const row = { ...unavailable, detail: '', mend: 'grant this, or that; move it; build it, or buy it' };
  expect(sourceReport([row], paper).slice(2)).toEqual([
    'To mend kfree-skb, one of:',
    '  grant this',
    '  that',
    'and:',
    '  move it',
    'and, one of:',
    '  build it',
    '  buy it',
  ]);
});
