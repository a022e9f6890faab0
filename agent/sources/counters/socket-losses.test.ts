import { describe, expect, it } from 'vitest';
import { SocketLosses } from './socket-losses.ts';

/** One reading after the other, each a list of [inode, drops]; what grew in each. */
function readings(losses: SocketLosses, ...each: (readonly [number, number])[][]) {
  return each.map((sockets) => {
    const grown = sockets.map(([inode, drops]) => losses.put(inode, drops));
    return [...grown, losses.end()];
  });
}

describe('SocketLosses', () => {
  it('counts from the first reading, and new sockets from zero', () => {
    const losses = new SocketLosses({ left: 10 });
    const first: [number, number][] = [
      [7, 100],
      [8, 0],
    ];
    expect(readings(losses, first, [[7, 103]], [[8, 5]], [[9, 4]])).toEqual([
      [0, 0, 0],
      [3, 0],
      [5, 0],
      [4, 0],
    ]);
  });

  it('takes a number that fell for another socket, and an inode of 0 for none', () => {
    const losses = new SocketLosses({ left: 10 });
    expect(readings(losses, [[7, 100]], [[7, 40]], [[0, 9]])).toEqual([
      [0, 0],
      [40, 0],
      [0, 0],
    ]);
  });

  it('forgets a socket that two readings did not show', () => {
    const room = { left: 10 };
    const losses = new SocketLosses(room);
    expect(readings(losses, [[7, 100]], [], [[7, 101]], [])).toEqual([[0, 0], [0], [1, 0], [0]]);
    expect(room.left).toBe(9);
    expect(readings(losses, [], [[7, 102]])).toEqual([[0], [102, 0]]);
    expect(room.left).toBe(9);
    losses.clear();
    expect(room.left).toBe(10);
  });

  it('tells of sockets without room, and once there is room begins where they are', () => {
    const room = { left: 1 };
    const losses = new SocketLosses(room);
    const both = (first: number, second: number): [number, number][] => [
      [7, first],
      [8, second],
    ];
    expect(readings(losses, [], both(1, 1), both(2, 2))).toEqual([[0], [1, 0, 1], [1, 0, 1]]);
    room.left = 1;
    expect(readings(losses, both(2, 50), both(2, 53))).toEqual([
      [0, 0, 0],
      [0, 3, 0],
    ]);
  });
});
