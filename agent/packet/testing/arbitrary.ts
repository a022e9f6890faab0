/** Arbitrary well-formed packets, tunnels in tunnels among them. */
import fc from 'fast-check';
import { formatIpv4, formatIpv6 } from '../../inventory/addresses.ts';
import { MOST_LAYERS } from '../packet.ts';
import { type Address, type Built, payload } from './built.ts';
import { ah, arp, ethernet, fragment, ipv4, ipv6, options } from './network.ts';
import { erspan, esp, geneve, gre, icmp, icmpv6, sctp, tcp, udp, vxlan } from './upper.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const words = (most: number) => fc.nat(most).chain((count) => bytes(count * 4));
const data = fc.uint8Array({ maxLength: 24 });

const mac: fc.Arbitrary<Address> = bytes(6).map((bytes) => ({
  bytes,
  text: Buffer.from(bytes)
    .toString('hex')
    .replace(/..(?=.)/g, '$&:'),
}));
const address4: fc.Arbitrary<Address> = bytes(4).map((bytes) => ({
  bytes,
  text: formatIpv4(Buffer.from(bytes).readUInt32BE()),
}));
const address6: fc.Arbitrary<Address> = fc
  .oneof(
    bytes(16),
    bytes(2).map((tail) => Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...tail)),
  )
  .map((bytes) => ({ bytes, text: formatIpv6(bytes) }));

/** Ports on which nothing else is spoken that a dissector would look into. */
const port = fc.integer({ min: 49_152, max: 65_535 });
const vni = fc.nat(0xff_ffff);
const erspanType = fc.constantFrom(
  'I' as const,
  'II' as const,
  'III' as const,
  'III with a subheader' as const,
);

/** Upper layers that carry nothing. */
const leaf: fc.Arbitrary<Built> = fc.oneof(
  fc
    .record({
      sourcePort: port,
      destinationPort: port,
      flags: fc.nat(0x1ff),
      options: words(10).map((bytes) => bytes.fill(1)),
    })
    .chain((fields) => data.map((data) => tcp(fields, data))),
  fc.tuple(port, port, data).map(([source, destination, data]) => udp(source, destination, payload(data))),
  fc.tuple(port, port).map(([source, destination]) => sctp(source, destination)),
  fc.tuple(fc.constantFrom(0, 8, 42), fc.nat(255), data).map(([type, code, data]) => icmp(type, code, data)),
  fc
    .tuple(fc.constantFrom(128, 129, 200), fc.nat(255), data)
    .map(([type, code, data]) => icmpv6(type, code, data)),
  data.map(esp),
  data.map((data) => payload(data)),
);

function tunnel(depth: number): fc.Arbitrary<Built> {
  const inner = fc.oneof(
    ip(depth),
    frame(depth),
    data.map((data) => payload(data)),
  );
  return fc.oneof(
    fc.tuple(port, vni, frame(depth)).map((fields) => vxlan(...fields)),
    fc.tuple(port, vni, words(4).map(geneveOptions), inner).map((fields) => geneve(...fields)),
    fc
      .record(
        { checksum: fc.boolean(), key: fc.nat(0xffff_ffff), sequence: fc.nat(0xffff_ffff) },
        { requiredKeys: [] },
      )
      .chain((fields) => inner.map((inner) => gre(fields, inner))),
    fc.tuple(erspanType, fc.nat(0x3ff), frame(depth)).map((fields) => erspan(...fields)),
    ip(depth),
  );
}

/** One option over all the words: of a class that nobody has, its length in the header's last bits. */
function geneveOptions(bytes: Uint8Array): Uint8Array {
  if (bytes.length > 0) bytes.set([0xff, 0xf0, 1, bytes.length / 4 - 1]);
  return bytes;
}

const extension: fc.Arbitrary<(inner: Built) => Built> = fc.oneof(
  fc.tuple(fc.constantFrom('routing' as const, 'destination-options' as const), fc.nat(2)).map(
    ([layer, words]) =>
      (inner: Built) =>
        options(layer, words, inner),
  ),
  fc.constant((inner: Built) => fragment(0, false, inner)),
  words(3).map((more) => (inner: Built) => ah(Uint8Array.of(1, 2, 3, 4, ...more), inner)),
);

/** IPv4 or IPv6, and in it `depth` more flows at most. */
function ip(depth: number): fc.Arbitrary<Built> {
  const upper = depth > 0 ? fc.oneof(leaf, tunnel(depth - 1)) : leaf;
  const fields4 = fc.record({
    source: address4,
    destination: address4,
    options: words(10).map((bytes) => bytes.fill(1)),
  });
  const fields6 = fc.record({ source: address6, destination: address6 });
  const place = fc.integer({ min: 1, max: 1000 }).map((units) => units * 8);
  const rest = fc.uint8Array({ minLength: 1, maxLength: 24 }).map((data) => payload(data, { protocol: 17 }));
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(fields4, fc.boolean(), upper)
        .map(([fields, moreFragments, upper]) => ipv4({ ...fields, moreFragments }, upper)),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fields4, place, fc.boolean(), rest)
        .map(([fields, fragmentOffset, moreFragments, rest]) =>
          ipv4({ ...fields, fragmentOffset, moreFragments }, rest),
        ),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(fields6, fc.boolean(), fc.array(extension, { maxLength: 2 }), upper)
        .map(([fields, hopByHop, extensions, upper]) => {
          const inner = extensions.reduce((inner, extend) => extend(inner), upper);
          return ipv6(fields, hopByHop ? options('hop-by-hop', 0, inner) : inner);
        }),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fields6, place, fc.boolean(), rest)
        .map(([fields, offset, more, rest]) => ipv6(fields, fragment(offset, more, rest))),
    },
  );
}

const tags = fc.array(fc.record({ id: fc.nat(4095), etherType: fc.constantFrom(0x8100, 0x88a8) }), {
  maxLength: 2,
});

function frame(depth: number): fc.Arbitrary<Built> {
  const arps = fc.record({
    operation: fc.constantFrom(1, 2),
    senderMac: mac,
    sender: address4,
    targetMac: mac,
    target: address4,
  });
  return fc
    .tuple(
      fc.record({ source: mac, destination: mac, vlans: tags }),
      fc.oneof(
        { weight: 6, arbitrary: ip(depth) },
        { weight: 1, arbitrary: arps.map(arp) },
        { weight: 1, arbitrary: data.map((data) => payload(data)) },
      ),
    )
    .map(([fields, inner]) => ethernet(fields, inner));
}

/** Ethernet frames with up to `depth` flows in tunnels, all of whose headers are looked at. */
export function frames(depth: number): fc.Arbitrary<Built> {
  return frame(depth).filter(({ layers }) => layers.length <= MOST_LAYERS);
}

/** The same of IPv4 and IPv6 packets. */
export function ipPackets(depth: number): fc.Arbitrary<Built> {
  return ip(depth).filter(({ layers }) => layers.length <= MOST_LAYERS);
}
