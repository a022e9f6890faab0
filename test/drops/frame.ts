/** UDP datagrams as whole Ethernet frames, checksums included, with a fault where one is asked for. */

export interface Datagram {
  readonly sourceMac: string;
  readonly destinationMac: string;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  readonly ttl?: number;
  /** Bytes of data. */
  readonly bytes?: number;
  readonly mayFragment?: boolean;
  readonly badChecksum?: boolean;
}

/** In hex. */
export function frameOf(datagram: Datagram): string {
  const { source, destination, port, ttl = 64, bytes = 32, mayFragment = true, badChecksum } = datagram;
  const ip = Buffer.alloc(20);
  ip.writeUInt16BE(0x4500, 0);
  ip.writeUInt16BE(20 + 8 + bytes, 2);
  ip.writeUInt16BE(mayFragment ? 0 : 0x4000, 6);
  ip.writeUInt8(ttl, 8);
  ip.writeUInt8(17, 9);
  address(source).copy(ip, 12);
  address(destination).copy(ip, 16);
  ip.writeUInt16BE(checksum(ip), 10);
  const udp = Buffer.alloc(8 + bytes, 'x');
  udp.writeUInt16BE(5353, 0);
  udp.writeUInt16BE(port, 2);
  udp.writeUInt16BE(8 + bytes, 4);
  udp.writeUInt16BE(0, 6);
  const pseudo = Buffer.concat([
    ip.subarray(12, 20),
    Buffer.from([0, 17, (8 + bytes) >> 8, (8 + bytes) & 0xff]),
  ]);
  udp.writeUInt16BE(checksum(Buffer.concat([pseudo, udp])) ^ (badChecksum ? 0x5555 : 0), 6);
  const ethernet = Buffer.concat([
    mac(datagram.destinationMac),
    mac(datagram.sourceMac),
    Buffer.from([8, 0]),
  ]);
  return Buffer.concat([ethernet, ip, udp]).toString('hex');
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function mac(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

function address(text: string): Buffer {
  return Buffer.from(text.split('.').map(Number));
}
