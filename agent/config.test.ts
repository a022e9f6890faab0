import { describe, expect, it } from 'vitest';
import { completeConfig } from './config.ts';
import { sources } from './sources/index.ts';

describe('the configuration', () => {
  it('is complete when nothing is given', () => {
    const { sources: configured, ...rest } = completeConfig({});
    expect(Object.keys(configured).sort()).toEqual(sources.map(({ name }) => name).sort());
    expect(configured).toMatchObject({ 'kfree-skb': { max_entries: 10_240 }, counters: { period_s: 5 } });
    expect(rest).toEqual({
      cell: 'default',
      labels: {},
      count_drops_with: 'auto',
      log: {},
      data: '/var/lib/netfall',
      spool: { max_messages: 20_000, max_bytes: 67_108_864 },
      evidence: { max_logs: 1024, max_bytes: 67_108_864 },
      report: {
        interval_s: 10,
        wide_interval_s: 30,
        max_samples: 16,
        max_drops: 512,
        new_signature_events: 5,
        jump_factor: 4,
        jump_rate: 50,
      },
    });
  });

  it('keeps what is given, and leaves the input alone', () => {
    const input = { host_id: 'web-1', labels: { rack: 'r1' }, sources: { counters: { enabled: false } } };
    const config = completeConfig(input);
    expect(config).toMatchObject({ ...input, sources: { counters: { enabled: false, period_s: 5 } } });
    expect(input.sources).toEqual({ counters: { enabled: false } });
  });

  it.each([
    [{ colour: 'red' }, '/colour is not a key of it'],
    [{ sources: { pcap: {} } }, '/sources/pcap is not a key of it'],
    [{ sources: { counters: { period_s: 0 } } }, '/sources/counters/period_s must be >= 1'],
    [{ host_id: 'web.1' }, '/host_id must match pattern "^[A-Za-z0-9_-]{1,64}$"'],
    [{ labels: { Rack: 'r1' } }, '/labels/Rack must match pattern "^[a-z0-9_.-]{1,64}$"'],
    [{ labels: { rack: 7 } }, '/labels/rack must be string'],
    [{ log: { nats: { servers: [] } } }, '/log/nats/servers must not have fewer than 1 items'],
    ['text', '/ must be object'],
  ])('refuses %j', (input, what) => {
    expect(() => completeConfig(input)).toThrow(new TypeError(`agent configuration: ${what}`));
  });
});
