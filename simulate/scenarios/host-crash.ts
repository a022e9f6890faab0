/** A host dies and stays off for minutes; its peers drop what was for it. */
import { BUGS } from '../crash.ts';
import { ofHost, SECOND } from '../plan.ts';
import { NEIGH_INVALIDATED } from '../signals.ts';
import { faultWindow } from './common.ts';
import type { Scenario } from './scenario.ts';

const FAULT_S = 150;
/** Peers that talk to it, and how long ARP takes to give it up. */
const PEERS = { least: 5, most: 25 };
const GIVEN_UP_S = 3;

export const hostCrash: Scenario = {
  name: 'host-crash',
  summary: 'a host crashes, and its peers drop what was for it',
  plan(plan) {
    const { fleet, random } = plan;
    const { fromUs, untilUs } = faultWindow(plan, FAULT_S);
    const victim = random.pick(plan.ordinary(fleet.hosts));
    const bug = random.pick(BUGS);
    const cause = ofHost(victim);
    const death = plan.crash(victim, fromUs, bug, FAULT_S);
    const crash = plan.fault({ kind: 'crash', cause, shown: [death], signals: [bug] });
    const near = fleet.hosts.filter((host) => host !== victim && host.values.subnet === victim.values.subnet);
    const peers = random.sample(near, PEERS.least + random.below(PEERS.most - PEERS.least));
    const span = { fromUs: fromUs + GIVEN_UP_S * SECOND, untilUs, spreadS: 4 };
    const shown = plan.suffer(NEIGH_INVALIDATED, peers, span, () => [victim.address]);
    plan.fault({ kind: 'drop', cause, shown, signals: [NEIGH_INVALIDATED], consequenceOf: crash });
  },
};
