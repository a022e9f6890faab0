import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { aGroup } from '../testing/report.ts';
import { ApiClient } from './client.ts';

it('lists a group once that moved from one page to the other', async () => {
  const pages = [
    { groups: ['1:a', '1:b'], next_cursor: 'second' },
    { groups: ['1:b', '1:c'], next_cursor: null },
  ];
  const asked: (string | null)[] = [];
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    asked.push(searchParams.get('cursor'));
    const { groups = [], next_cursor = null } = pages[asked.length - 1] ?? {};
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ groups: groups.map((signature) => aGroup({ signature })), next_cursor }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const groups = await new ApiClient(`http://127.0.0.1:${port}`).crashGroups(10);
    expect(groups.map(({ signature }) => signature)).toEqual(['1:a', '1:b', '1:c']);
    expect(asked).toEqual([null, 'second']);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
