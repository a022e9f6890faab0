/** UDP datagrams and TCP's SYNs as whole Ethernet frames, checksums included, with a fault where one is asked for. */

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

/** A SYN to open a connection by. */
export interface Syn extends Omit<Datagram, 'bytes' | 'badChecksum'> {
  readonly sourcePort: number;
}

/** In hex. */
export function frameOf(datagram: Datagram): string {
  const { port, bytes = 32, badChecksum } = datagram;
  const udp = Buffer.alloc(8 + bytes, 'x');
  udp.writeUInt16BE(5353, 0);
  udp.writeUInt16BE(port, 2);
  udp.writeUInt16BE(8 + bytes, 4);
  udp.writeUInt16BE(0, 6);
  udp.writeUInt16BE(transportChecksum(datagram, 17, udp) ^ (badChecksum ? 0x5555 : 0), 6);
  return packetOf(datagram, 17, udp);
}

/** In hex. */
export function synOf(syn: Syn): string {
  const tcp = Buffer.alloc(20);
  tcp.writeUInt16BE(syn.sourcePort, 0);
  tcp.writeUInt16BE(syn.port, 2);
  // Five words of header, and the flag.
  tcp.writeUInt16BE(0x5002, 12);
  tcp.writeUInt16BE(65_535, 14);
  tcp.writeUInt16BE(transportChecksum(syn, 6, tcp), 16);
  return packetOf(syn, 6, tcp);
}

function packetOf(packet: Datagram, protocol: number, payload: Buffer): string {
  const { source, destination, ttl = 64, mayFragment = true } = packet;
  const ip = Buffer.alloc(20);
  ip.writeUInt16BE(0x4500, 0);
  ip.writeUInt16BE(20 + payload.length, 2);
  ip.writeUInt16BE(mayFragment ? 0 : 0x4000, 6);
  ip.writeUInt8(ttl, 8);
  ip.writeUInt8(protocol, 9);
  address(source).copy(ip, 12);
  address(destination).copy(ip, 16);
  ip.writeUInt16BE(checksum(ip), 10);
  const ethernet = Buffer.concat([mac(packet.destinationMac), mac(packet.sourceMac), Buffer.from([8, 0])]);
  return Buffer.concat([ethernet, ip, payload]).toString('hex');
}

/** Over the pseudo header, too. The field itself must be zero. */
function transportChecksum({ source, destination }: Datagram, protocol: number, payload: Buffer): number {
  const length = Buffer.from([0, protocol, payload.length >> 8, payload.length & 0xff]);
  return checksum(Buffer.concat([address(source), address(destination), length, payload]));
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
