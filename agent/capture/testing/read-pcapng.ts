/** Reads a pcapng file, block by block, as the format's document has it. Knows nothing of the writer. */

export interface Option {
  readonly code: number;
  readonly value: Buffer;
}

export interface Block {
  readonly type: number;
  /** What stands before the options: the fixed fields, and a packet's bytes in `data`. */
  readonly fields: Readonly<Record<string, number | bigint>>;
  readonly data?: Buffer;
  readonly options: readonly Option[];
}

/** Throws on whatever the format does not allow. */
export function readPcapng(file: Buffer): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  while (at < file.length) {
    const type = file.readUInt32LE(at);
    const length = file.readUInt32LE(at + 4);
    if (length % 4 !== 0 || length < 12 || at + length > file.length)
      throw new Error(`block length ${length} at ${at}`);
    if (file.readUInt32LE(at + length - 4) !== length)
      throw new Error(`the lengths of the block at ${at} differ`);
    blocks.push(readBlock(type, file.subarray(at + 8, at + length - 4)));
    at += length;
  }
  return blocks;
}

function readBlock(type: number, body: Buffer): Block {
  const u32 = (at: number) => body.readUInt32LE(at);
  const u64 = (at: number) => (BigInt(u32(at)) << 32n) | BigInt(u32(at + 4));
  switch (type) {
    case 0x0a0d0d0a: {
      if (u32(0) !== 0x1a2b3c4d) throw new Error('byte order');
      const fields = {
        major: body.readUInt16LE(4),
        minor: body.readUInt16LE(6),
        length: body.readBigInt64LE(8),
      };
      return { type, fields, options: readOptions(body.subarray(16)) };
    }
    case 1: {
      const fields = { linkType: body.readUInt16LE(0), reserved: body.readUInt16LE(2), snapLength: u32(4) };
      return { type, fields, options: readOptions(body.subarray(8)) };
    }
    case 5: {
      const fields = { interface: u32(0), timestamp: u64(4) };
      return { type, fields, options: readOptions(body.subarray(12)) };
    }
    case 6: {
      const captured = u32(12);
      const padded = Math.ceil(captured / 4) * 4;
      const fields = { interface: u32(0), timestamp: u64(4), originalLength: u32(16) };
      const data = body.subarray(20, 20 + captured);
      return { type, fields, data, options: readOptions(body.subarray(20 + padded)) };
    }
    default:
      throw new Error(`block type ${type}`);
  }
}

function readOptions(bytes: Buffer): Option[] {
  const options: Option[] = [];
  let at = 0;
  while (at < bytes.length) {
    const code = bytes.readUInt16LE(at);
    const length = bytes.readUInt16LE(at + 2);
    if (at + 4 + length > bytes.length) throw new Error(`option ${code} runs over its block`);
    if (code === 0) {
      if (length !== 0 || at + 4 !== bytes.length) throw new Error('something stands behind the last option');
      return options;
    }
    options.push({ code, value: bytes.subarray(at + 4, at + 4 + length) });
    at += 4 + Math.ceil(length / 4) * 4;
  }
  throw new Error('the options have no end');
}
