/** The shape of protobufjs's JSON descriptor, as far as this package reads it. */

export interface Field {
  readonly type: string;
  readonly id: number;
  readonly rule?: 'repeated';
  /** Of a scalar that may be absent; protobufjs puts it in a oneof of its own as well. */
  readonly options?: { readonly proto3_optional?: boolean };
}

export interface Type {
  readonly fields: Readonly<Record<string, Field>>;
  readonly oneofs?: Readonly<Record<string, { readonly oneof: readonly string[] }>>;
}

export interface Enum {
  readonly values: Readonly<Record<string, number>>;
}

export interface Namespace {
  readonly nested: Readonly<Record<string, Type | Enum>>;
}
