/** Where a dissection has got to, and how far it may read. Must not know any header. */
import type { Layer } from './layers.ts';
import { type Flow, MOST_FLOWS, MOST_LAYERS, Packet } from './packet.ts';

/** The end of a packet that no header has told the length of; a small integer, which V8 compares the fastest. */
const UNBOUNDED = 0x7fff_ffff;

export class Cursor {
  readonly packet = new Packet();
  bytes: Uint8Array = this.packet.bytes;
  /** Of the next header. */
  offset = 0;
  /** The innermost flow. */
  flow: Flow = this.packet.flows[0] as Flow;
  /** Whether lengths may go beyond what encloses them, because that is a first fragment. */
  partial = false;
  /** Where the bytes end, and where the packet does by the lengths in its headers. */
  #captured = 0;
  #declared = UNBOUNDED;

  /** Begins at any place; what lies outside the bytes is cut off. */
  begin(bytes: Uint8Array, start: number, length: number): void {
    this.packet.clear(bytes);
    this.bytes = bytes;
    this.offset = Math.min(Math.max(start, 0) || 0, bytes.length);
    this.#captured = Math.min(this.offset + (Math.max(length, 0) || 0), bytes.length);
    this.#declared = UNBOUNDED;
    this.partial = false;
    this.nest();
  }

  /** Begins a flow inside the present one. */
  nest(): boolean {
    const { packet } = this;
    if (packet.flowCount === MOST_FLOWS) {
      packet.tooDeep = true;
      return false;
    }
    this.flow = packet.flows[packet.flowCount++] as Flow;
    this.flow.clear();
    return true;
  }

  /** Whether the next header, of that kind, has so many bytes; when not, says why. */
  need(layer: Layer, bytes: number): boolean {
    const end = this.offset + bytes;
    if (end > this.#declared) return this.malformed(layer);
    if (end <= this.#captured) return true;
    this.packet.truncated = layer;
    return false;
  }

  /** A header says that its packet is so long, itself included. */
  bound(layer: Layer, bytes: number): boolean {
    const end = this.offset + bytes;
    if (end <= this.#declared) this.#declared = end;
    else if (!this.partial) return this.malformed(layer);
    return true;
  }

  malformed(layer: Layer): false {
    this.packet.malformed = layer;
    return false;
  }

  /** Passes over a header that is whole. */
  pass(layer: Layer, bytes: number): boolean {
    const { packet } = this;
    if (packet.layerCount === MOST_LAYERS) {
      packet.tooDeep = true;
      return false;
    }
    packet.layers[packet.layerCount] = layer;
    packet.offsets[packet.layerCount++] = this.offset;
    this.offset += bytes;
    return true;
  }

  /** The byte, or the 16 bits in network order, at a place in the next header that is known to be there. */
  u8(at: number): number {
    return this.bytes[this.offset + at] as number;
  }

  u16(at: number): number {
    const place = this.offset + at;
    return ((this.bytes[place] as number) << 8) | (this.bytes[place + 1] as number);
  }
}
