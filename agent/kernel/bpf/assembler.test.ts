import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Assembler, assemble, Helper, r0, r1, r2, r3, r6, r9, r10 } from './assembler.ts';

function hex(write: (b: Assembler) => void): string[] {
  const bytes = Buffer.from(assemble(write));
  return Array.from({ length: bytes.length / 8 }, (_, i) => bytes.toString('hex', i * 8, i * 8 + 8));
}

describe('assemble', () => {
  // The bytes were compared with llvm-objdump -d; its version 14 does not print stores of immediates.
  it('encodes every instruction as the kernel reads it', () => {
    expect(hex((b) => b.mov(r6, r1))).toEqual(['bf16000000000000']);
    expect(hex((b) => b.mov(r1, -1))).toEqual(['b7010000ffffffff']);
    expect(hex((b) => b.add(r2, r10))).toEqual(['0fa2000000000000']);
    expect(hex((b) => b.add(r2, -16))).toEqual(['07020000f0ffffff']);
    expect(hex((b) => b.mul(r1, 40))).toEqual(['2701000028000000']);
    expect(hex((b) => b.or(r1, r2))).toEqual(['4f21000000000000']);
    expect(hex((b) => b.and(r1, 63))).toEqual(['570100003f000000']);
    expect(hex((b) => b.lsh(r2, 32))).toEqual(['6702000020000000']);
    expect(hex((b) => b.rsh(r1, 26))).toEqual(['770100001a000000']);
    expect(hex((b) => b.clearUpper(r3))).toEqual(['bc33000000000000']);
    expect(hex((b) => b.swap16(r1))).toEqual(['dc01000010000000']);
    expect(hex((b) => b.ldx(64, r3, r6, 8))).toEqual(['7963080000000000']);
    expect(hex((b) => b.ldx(32, r0, r9, -4))).toEqual(['6190fcff00000000']);
    expect(hex((b) => b.ldx(16, r1, r6, 176))).toEqual(['6961b00000000000']);
    expect(hex((b) => b.ldx(8, r1, r6, 1))).toEqual(['7161010000000000']);
    expect(hex((b) => b.stx(64, r10, -8, r1))).toEqual(['7b1af8ff00000000']);
    expect(hex((b) => b.stx(32, r10, -12, 7))).toEqual(['620af4ff07000000']);
    expect(hex((b) => b.call(Helper.snprintf))).toEqual(['85000000a5000000']);
    expect(hex((b) => b.callKernel(0x1234))).toEqual(['8520000034120000']);
    expect(hex((b) => b.exit())).toEqual(['9500000000000000']);
    expect(hex((b) => b.loadMap(r1, { fd: 3 }))).toEqual(['1811000003000000', '0000000000000000']);
    expect(hex((b) => b.loadMapValue(r3, { fd: 4 }, 16))).toEqual(['1823000004000000', '0000000010000000']);
  });

  it('resolves labels before and after, over instructions of double length', () => {
    expect(
      hex((b) => {
        b.label('back');
        b.jeq(r1, 0x800, 'ahead');
        b.loadMap(r1, { fd: 3 });
        b.jne(r1, r2, 'back');
        b.label('ahead');
        b.jump('back');
      }),
    ).toEqual([
      '1501030000080000',
      '1811000003000000',
      '0000000000000000',
      '5d21fcff00000000',
      '0500fbff00000000',
    ]);
  });

  it('places each jump at its label, however far within reach', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), (before, after) => {
        const code = new DataView(
          assemble((b) => {
            for (let i = 0; i < before; i++) b.mov(r0, i);
            b.label('back');
            for (let i = 0; i < after; i++) b.mov(r0, i);
            b.jump('end');
            b.jump('back');
            for (let i = 0; i < before; i++) b.mov(r0, i);
            b.label('end');
            b.exit();
          }),
        );
        expect(code.getInt16((before + after) * 8 + 2, true)).toBe(before + 1);
        expect(code.getInt16((before + after + 1) * 8 + 2, true)).toBe(-after - 2);
      }),
    );
  });

  it('says what cannot be encoded', () => {
    const errorCode = (code: string) => expect.objectContaining({ name: 'AssemblerError', code });
    expect(() => assemble((b) => b.jump('nowhere'))).toThrow(errorCode('UNKNOWN_LABEL'));
    expect(() =>
      assemble((b) => {
        b.label('twice');
        b.label('twice');
      }),
    ).toThrow(errorCode('DUPLICATE_LABEL'));
    expect(() => assemble((b) => b.mov(r1, 0x8000_0000))).toThrow(errorCode('OUT_OF_RANGE'));
    expect(() => assemble((b) => b.mov(r1, 0.5))).toThrow(errorCode('OUT_OF_RANGE'));
    expect(() => assemble((b) => b.ldx(64, r1, r2, 0x8000))).toThrow(errorCode('OUT_OF_RANGE'));
    const jumpOver = (instructions: number) => () =>
      assemble((b) => {
        b.jump('end');
        for (let i = 0; i < instructions; i++) b.mov(r0, 0);
        b.label('end');
      });
    expect(jumpOver(0x7fff)).not.toThrow();
    expect(jumpOver(0x8000)).toThrow(errorCode('JUMP_TOO_FAR'));
  });
});
