/**
 * What protobufjs is told before the generated code loads. 64-bit integers are numbers: it would decode them to Long objects
 * where it finds the long package, whatever the types say, and decides when its reader is first configured.
 */
import protobuf from 'protobufjs/minimal.js';

// The declared type leaves no room for "no Long", which is what the library itself sets when the package is missing.
Reflect.set(protobuf.util, 'Long', undefined);
protobuf.configure();

// A field of a oneof that is decoded takes the place of one that was before it. The library deletes all the others, there or
// not, which takes a sixth of the time of a message.
protobuf.util.oneOfSetter = (fields) =>
  function (this: Record<string, unknown>, name?: string) {
    for (const field of Object.keys(this)) if (field !== name && fields.includes(field)) delete this[field];
  };
