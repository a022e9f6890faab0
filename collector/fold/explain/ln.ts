/**
 * The natural logarithm, to the same bit on every machine: Math.log is allowed to differ in the last one, and two replicas
 * would then order two explanations differently. Additions, multiplications and divisions alone, which IEEE 754 defines.
 */

const bits = new DataView(new ArrayBuffer(8));

/** ln x of a normal number x > 0. Throws RangeError for any other. */
export function ln(x: number): number {
  bits.setFloat64(0, x);
  const high = bits.getUint32(0);
  let exponent = (high >>> 20) - 1023;
  if (!(exponent > -1023 && exponent < 1024)) throw new RangeError(`ln of ${x}`);
  bits.setUint32(0, (high & 0x000f_ffff) | 0x3ff0_0000);
  let mantissa = bits.getFloat64(0);
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  // ln m = 2 artanh z, where |z| < 0.172: ten terms reach the last bit.
  const z = (mantissa - 1) / (mantissa + 1);
  const square = z * z;
  let sum = 0;
  for (let odd = 21; odd >= 1; odd -= 2) sum = sum * square + 1 / odd;
  return exponent * Math.LN2 + 2 * z * sum;
}
