/**
 * Settles how protobufjs represents 64-bit integers: as numbers. It would decode them to Long objects where it finds
 * the long package, whatever the types say, and decides when its reader is first configured.
 */
import protobuf from 'protobufjs/minimal.js';

// The declared type leaves no room for "no Long", which is what the library itself sets when the package is missing.
Reflect.set(protobuf.util, 'Long', undefined);
protobuf.configure();
