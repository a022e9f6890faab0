/** What the relay is compared with: two sockets of node:dgram whose datagrams are counted, and no more. Prints their ports. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

let received = 0;
const ports: number[] = [];
for (let i = 0; i < 2; i++) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 32 * 1024 * 1024 });
  socket.on('message', () => {
    received++;
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  ports.push(socket.address().port);
}
console.log(ports.join(' '));
process.once('SIGTERM', () => {
  console.log(`received ${received}`);
  process.exit();
});
