/** Networks that senders may be of. Pure; addresses are four words of 32 bits, IPv4 as in ::ffff:0:0/96. */
import { parsePrefix } from '../capture/prefix.ts';

/** As text, an address or a prefix each. */
export class Networks {
  /** Eight words each: the address, and the bits of it that count. */
  readonly #words: Uint32Array;

  /** @throws TypeError that names what is no address or prefix */
  constructor(texts: readonly string[]) {
    this.#words = new Uint32Array(texts.length * 8);
    for (const [i, text] of texts.entries()) {
      const prefix = parsePrefix(text);
      if (!prefix) throw new TypeError(`${text} is no address and no network: write 10.0.0.0/8 or fd00::/8`);
      const isV4 = prefix.address.length === 4;
      const bytes = new Uint8Array(16);
      bytes.set(isV4 ? [0xff, 0xff, ...prefix.address] : prefix.address, isV4 ? 10 : 0);
      const bits = prefix.bits + (isV4 ? 96 : 0);
      const view = new DataView(bytes.buffer);
      for (let word = 0; word < 4; word++) {
        const counting = Math.min(32, Math.max(0, bits - word * 32));
        const mask = counting === 0 ? 0 : (-1 << (32 - counting)) >>> 0;
        this.#words[i * 8 + word] = (view.getUint32(word * 4) & mask) >>> 0;
        this.#words[i * 8 + 4 + word] = mask;
      }
    }
  }

  has(address: { readonly a: number; readonly b: number; readonly c: number; readonly d: number }): boolean {
    const words = this.#words;
    for (let i = 0; i < words.length; i += 8) {
      // Differing bits that count; the last word tells most IPv4 addresses apart.
      const differing =
        ((address.d ^ words[i + 3]!) & words[i + 7]!) |
        ((address.c ^ words[i + 2]!) & words[i + 6]!) |
        ((address.b ^ words[i + 1]!) & words[i + 5]!) |
        ((address.a ^ words[i]!) & words[i + 4]!);
      if (differing === 0) return true;
    }
    return false;
  }
}
