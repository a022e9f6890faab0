import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demangled } from './demangle.ts';

describe('names of functions in other languages than C', () => {
  it.each([
    ['ip_rcv', 'ip_rcv'],
    ['_RNvNtCs1234_4core9panicking9panic_fmt', 'core::panicking::panic_fmt'],
    [
      '_RNvXs1_CscPPBqWtAqum_11ashmem_rustNtB5_6AshmemNtNtCs43vyB533jt3_6kernel10miscdevice10MiscDevice4mmap',
      '<ashmem_rust::Ashmem as kernel::miscdevice::MiscDevice>::mmap',
    ],
    ['_RNvMs_Cs4fqI2P2rA04_3fooNtB4_3Bar3baz', '<foo::Bar>::baz'],
    ['_RINvCs4fqI2P2rA04_3foo3getReRhE', 'foo::get<&str, &u8>'],
    ['_RNCNvCs4fqI2P2rA04_3foo3run0', 'foo::run::{closure}'],
    ['_Z3addii', 'add'],
    ['_ZN3net6socket4openEv', 'net::socket::open'],
  ])('%s', (mangled, name) => {
    expect(demangled(mangled)).toBe(name);
  });

  it.each(['_R', '_RNv', '_RNvB_3foo', '_RYB_B_', '_Z', '_ZN', '_RNvC9foo'])(
    'stay as they are when unreadable: %s',
    (name) => {
      expect(demangled(name)).toBe(name);
    },
  );

  it('are read in bounds, whatever they are', () => {
    const letters = fc.string({
      unit: fc.constantFrom(...'CNMXYIBsvte_0123456789RQTSEKLabch'),
      maxLength: 200,
    });
    fc.assert(
      fc.property(letters, (rest) => {
        expect(demangled(`_R${rest}`).length).toBeLessThanOrEqual(256);
      }),
    );
  });
});
