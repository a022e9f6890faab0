/**
 * Carries a plan out: agents speak when they are due, the network brings what they say, and the log puts it in order. Lazy:
 * what is held is a state for each host, the rest of the plan, and messages that are under way.
 */
import { collectorSubject, type Entry, type EventLine, encodeEntry } from '@netfall/proto';
import { Agent, type Usual } from './agent.ts';
import { habitsOf, Noise } from './disturbances.ts';
import type { Host } from './fleet.ts';
import { Heap } from './heap.ts';
import { Network } from './network.ts';
import { type Plan, SECOND, type Step } from './plan.ts';
import type { Random } from './random.ts';
import type { Disturbances } from './truth.ts';

/** A replica appends a tick when the log was idle for this long, and up to so much longer. */
const IDLE_US = 1 * SECOND;
const JITTER_US = 200_000;
const REPLICA = 'replica-a';
/** Between two messages that a host sends out of its spool. */
const REPLAY_GAP_US = 4000;

export interface RunOptions {
  readonly plan: Plan;
  readonly random: Random;
  readonly cell: string;
  readonly startUs: number;
  readonly disturbances: Disturbances;
}

interface Message {
  readonly subject: string;
  readonly data: Uint8Array;
}

/** The log's entries, in order. */
export function* run({ plan, random, cell, startUs, disturbances }: RunOptions): Generator<EventLine> {
  const world = new World({ plan, random, cell, startUs, disturbances });
  const jitter = random.fork('ticks');
  const tick = { subject: collectorSubject(cell, 'tick'), data: encodeEntry({ tick: { replica: REPLICA } }) };
  let sequence = 0;
  let lastUs = 0;
  const entry = (atUs: number, { subject, data }: Message): EventLine => {
    lastUs = atUs;
    return { sequence: ++sequence, timeUs: startUs + atUs, subject, data };
  };
  for (;;) {
    const storedUs = world.advance();
    const nextUs = Math.min(storedUs, plan.endUs);
    while (nextUs - lastUs > IDLE_US + JITTER_US)
      yield entry(lastUs + IDLE_US + jitter.below(JITTER_US), tick);
    if (storedUs >= plan.endUs) return;
    yield entry(storedUs, world.take());
  }
}

class World {
  readonly #plan: Plan;
  readonly #agents: readonly Agent[];
  readonly #network: Network;
  readonly #noise: Noise;
  /** Agents by when they are due; those that were due sooner meanwhile stand there in vain. */
  readonly #due = new Heap<Agent>();
  readonly #steps = new Heap<Step>();
  /** Messages by when the log stores them. */
  readonly #underWay = new Heap<Message>();
  /** When a host's last message out of its spool comes. */
  readonly #replayedUs = new Map<Agent, number>();

  constructor({ plan, random, cell, startUs, disturbances }: RunOptions) {
    const { fleet, intervalUs } = plan;
    this.#plan = plan;
    this.#network = new Network(random.fork('network'), disturbances);
    this.#noise = new Noise(random.fork('noise'), fleet, disturbances.noise);
    const habits = habitsOf(fleet, random.fork('habits'), disturbances.chronic, plan.endUs);
    const starts = random.fork('starts');
    const everyday = random.fork('everyday');
    const agent = (host: Host, usual: readonly Usual[]) => {
      const sinceUs = starts.below(intervalUs) - 2 * SECOND;
      const traffic = starts.logNormal(6000, 1);
      const clockUs = plan.clocks[host.index]!;
      return new Agent({
        host,
        cell,
        intervalUs,
        startUs,
        clockUs,
        sinceUs,
        random: everyday,
        usual,
        traffic,
      });
    };
    this.#agents = fleet.hosts.map((host) => agent(host, habits.usual[host.index]!));
    for (const one of this.#agents) this.#due.push(one.dueUs, one);
    for (const { atUs, step } of plan.steps) this.#steps.push(atUs, step);
    for (const { host, trouble } of habits.periodic) {
      this.#steps.push(Math.max(0, trouble.fromUs), { what: 'trouble', host: host.index, trouble });
    }
    this.#expectNoise(0);
  }

  /** Lets time pass until it is certain which message the log stores next. Returns when it does, µs, or Infinity. */
  advance(): number {
    for (;;) {
      const nextUs = Math.min(this.#due.nextUs, this.#steps.nextUs);
      const storedUs = this.#underWay.nextUs;
      if (storedUs <= nextUs || nextUs >= this.#plan.endUs) return storedUs;
      // What agents hear of now they say now.
      if (this.#steps.nextUs <= this.#due.nextUs) this.#take(this.#steps.pop(), nextUs);
      else this.#wake(this.#due.pop(), nextUs);
    }
  }

  /** The message that the log stores next. */
  take(): Message {
    return this.#underWay.pop();
  }

  #wake(agent: Agent, nowUs: number): void {
    if (agent.dueUs !== nowUs) return;
    this.#send(agent, nowUs);
    this.#due.push(agent.dueUs, agent);
  }

  #send(agent: Agent, nowUs: number, goodbye = ''): void {
    const envelope = agent.seal(nowUs, goodbye);
    const message = { subject: agent.subject, data: encodeEntry({ envelope }) };
    const backUs = agent.cutUntil(nowUs);
    const spooledUs = this.#network.spooledUs();
    let storedUs = nowUs + spooledUs + this.#network.delayUs();
    if (backUs !== null) {
      storedUs = Math.max(backUs, this.#replayedUs.get(agent) ?? 0) + REPLAY_GAP_US;
      this.#replayedUs.set(agent, storedUs);
    }
    agent.awaits(storedUs);
    this.#underWay.push(storedUs, message);
    const repeatedUs = this.#network.repeatedUs();
    if (repeatedUs !== null) this.#underWay.push(storedUs + repeatedUs, message);
  }

  #take(step: Step, nowUs: number): void {
    if (step.what === 'say') {
      this.#underWay.push(nowUs + this.#network.delayUs(), said(step.subject, step.entry));
      return;
    }
    const agent = this.#agents[step.host]!;
    const { dueUs } = agent;
    switch (step.what) {
      case 'trouble':
        agent.suffer(step.trouble, nowUs);
        break;
      case 'cut':
        agent.cut(nowUs, step.untilUs);
        break;
      case 'become':
        agent.become(step.values);
        break;
      case 'look':
        agent.look(nowUs);
        break;
      case 'hear':
        agent.hear(step.item, nowUs);
        break;
      case 'stop':
        if (step.goodbye !== '') this.#send(agent, nowUs, step.goodbye);
        agent.stop();
        break;
      case 'start':
        agent.start(nowUs);
        break;
      case 'noise':
        this.#expectNoise(nowUs);
        agent.suffer(step.trouble, nowUs);
    }
    if (agent.dueUs !== dueUs && !agent.isDown) this.#due.push(agent.dueUs, agent);
  }

  #expectNoise(nowUs: number): void {
    const next = this.#noise.next(nowUs);
    if (!next) return;
    const { host, trouble } = next;
    this.#steps.push(trouble.fromUs, { what: 'noise', host: host.index, trouble });
  }
}

function said(subject: string, entry: Entry): Message {
  return { subject, data: encodeEntry(entry) };
}
