import { expect, test } from 'vitest';
import { allNames, explain } from './explain.ts';

test('every name finds its own entry, also where another differs in case and punctuation alone', () => {
  for (const name of allNames()) expect(explain(name)?.name).toBe(name);
  expect(explain('IP_OUTNOROUTES')?.kind).toBe('reason');
  expect(explain('IpOutNoRoutes')?.kind).toBe('counter');
});

test('names are found as people write them', () => {
  expect(explain('skb_drop_reason_socket-rcvbuff')?.name).toBe('SOCKET_RCVBUFF');
  expect(explain('ethtool_rx_queue_N_drops')?.name).toBe('ethtool_rx_queue_N_drops');
  expect(explain('no such name')).toBeUndefined();
});
