/** Sends the end of the log that netoops-send.ts makes up as a kernel's netconsole would. Argument: the relay's address. */
import { createSocket } from 'node:dgram';
import { kernelLog } from '../../load/kernel-log.ts';
import { extendedDatagrams } from '../../load/netconsole.ts';

const [host = ''] = process.argv.slice(2);
const log = Buffer.from(kernelLog(5, 20_000)).toString();
const socket = createSocket('udp4');
const lines = log.trimEnd().split('\n').slice(-60);
for (const [seq, line] of lines.entries()) {
  const [, seconds, micros, text = ''] = /^\[ *(\d+)\.(\d{6})\] (.*)$/.exec(line) ?? [];
  const record = { text, priority: 4, seq, uptimeUs: Number(`${seconds}${micros}`) };
  for (const datagram of extendedDatagrams(record)) {
    await new Promise((resolve) => socket.send(datagram, 6666, host, resolve));
  }
}
socket.close();
