/** An hour that was recorded on a real kernel, folded again: which incidents are found, and how they are explained. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { cellOf, type EventLine, readEventLine } from '@netfall/proto';
import { beforeAll, describe, expect, it } from 'vitest';
import { EpochBarrier, Fold } from '../../collector/fold/fold.ts';
import type { Incident } from '../../collector/fold/model.ts';
import { currentRules } from '../../collector/rules.ts';
import { compare, type Result, type Truth } from './compare.ts';
import { hostAttributes } from './report.ts';

const file = (name: string) => readFileSync(join(import.meta.dirname, name));

function foldAll(entries: readonly EventLine[]): { readonly fold: Fold; readonly told: string[] } {
  const fold = new Fold(currentRules(cellOf(entries[0]?.subject ?? '') ?? 'default'));
  const told: string[] = [];
  for (const entry of entries) {
    try {
      fold.apply(entry);
    } catch (error) {
      // It was recorded under the rules of its day.
      if (!(error instanceof EpochBarrier)) throw error;
    }
    for (const { kind, incident } of fold.takeChanges().notifications) told.push(`${kind} ${incident.title}`);
  }
  return { fold, told };
}

describe('the recorded hour', () => {
  const truth: Truth = JSON.parse(file('hour.truth.json').toString());
  let incidents: Incident[];
  let told: string[];
  let result: Result;
  beforeAll(async () => {
    const lines = zstdDecompressSync(file('hour.ndjson.zst')).toString().trimEnd().split('\n');
    const entries = lines.map((line, i) => readEventLine(line, i + 1));
    const folded = foldAll(entries);
    expect(folded.fold.rows().global.rejected).toEqual({});
    incidents = [...folded.fold.incidents()];
    told = folded.told;
    result = compare(truth, incidents, await hostAttributes(entries));
  });

  it('has every fault found and explained exactly', () => {
    const rows = result.faults.map((fault) => {
      const { name, cause, foundAfterMs, explained, covered, hosts, beyond, joined, change } = fault;
      expect({ beyond, joined }).toEqual({ beyond: 0, joined: false });
      return [name, cause, foundAfterMs, explained, `${covered} of ${hosts}`, change];
    });
    expect(rows).toEqual([
      ['rack-qdisc', 'rack=r2', 5633, 'exact', '4 of 4', false],
      ['pool-filter', 'pool=web', 8605, 'exact', '5 of 5', true],
      ['stalled-reader', 'image=os-12.2', 9432, 'exact', '7 of 7', false],
      ['host-cut', 'host=db-21', 33_626, 'exact', '1 of 1', false],
      ['no-listener', 'pool=web', 7598, 'exact', '5 of 5', false],
      ['rack-cut', 'rack=r4', 28_872, 'exact', '4 of 4', false],
      ['zone-limit', 'zone=west', 5642, 'exact', '7 of 7', false],
      ['pool-filter', 'pool=cache', 10_059, 'exact', '4 of 4', false],
      ['rack-qdisc', 'rack=r1', 7560, 'exact', '4 of 4', false],
    ]);
  });

  it('has nothing else found', () => {
    expect(result.others).toEqual([]);
    expect(incidents.map(({ state }) => state)).toEqual(Array.from({ length: 9 }, () => 'resolved'));
  });

  it('tells of each of them as it fires, and of its end', () => {
    expect(told).toEqual([
      'firing All 4 hosts in rack r2 drop QDISC_DROP in __dev_queue_xmit',
      'resolved All 4 hosts in rack r2 drop QDISC_DROP in __dev_queue_xmit',
      'firing 4 of 6 hosts in pool web drop NETFILTER_DROP in nft_do_chain',
      'resolved 5 of 6 hosts in pool web drop NETFILTER_DROP in nft_do_chain',
      'firing 6 of 8 hosts on image os-12.2 drop SOCKET_RCVBUFF in udp_queue_rcv_one_skb',
      'resolved 7 of 8 hosts on image os-12.2 drop SOCKET_RCVBUFF in udp_queue_rcv_one_skb',
      'firing db-21 is silent',
      'resolved db-21 is silent',
      'firing 5 of 6 hosts in pool web drop NO_SOCKET in __udp4_lib_rcv',
      'resolved 5 of 6 hosts in pool web drop NO_SOCKET in __udp4_lib_rcv',
      'firing 3 of 4 hosts in rack r4 are silent',
      'resolved All 4 hosts in rack r4 are silent',
      'firing 6 of 8 hosts in zone west drop NETFILTER_DROP in nft_do_chain',
      'resolved 7 of 8 hosts in zone west drop NETFILTER_DROP in nft_do_chain',
      // Two at once.
      'firing 4 of 5 hosts in pool cache drop NETFILTER_DROP in nft_do_chain',
      'firing 3 of 4 hosts in rack r1 drop QDISC_DROP in __dev_queue_xmit',
      'resolved 4 of 5 hosts in pool cache drop NETFILTER_DROP in nft_do_chain',
      'resolved All 4 hosts in rack r1 drop QDISC_DROP in __dev_queue_xmit',
    ]);
  });
});
