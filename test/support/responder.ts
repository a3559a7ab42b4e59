import { type MacKey, macOf } from '../../shared/audit/mac.ts';
import type { FalcoAlert } from '../../shared/falco/alert.ts';
import { type RespondDeps, respondToAlerts } from '../../shared/flows/respond.ts';
import { respondInMemory } from '../../shared/flows/respond-in-memory.ts';
import type { Clock } from '../../shared/platform/clock.ts';
import type { KubeClient } from '../../shared/platform/kube/index.ts';
import { eventIdentity } from '../../shared/respond/identity.ts';
import { actionCatalogue, loadPolicies, type Mode } from '../../shared/respond/index.ts';

export const MAC_KEY: MacKey = { id: 'test', secret: Buffer.alloc(32, 7) };
export const LEASE_MS = 30_000;

/** A clock that only moves when told, or when somebody sleeps. */
export function testClock(startMs: number): Clock & { advance(ms: number): void } {
  let now = startMs;
  return {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
    advance: (ms) => {
      now += ms;
    },
  };
}

/** The alert with the MAC that this deployment would have stamped. */
export function sign(alert: FalcoAlert): FalcoAlert {
  const identity = eventIdentity(alert);
  if (!identity.known) return alert;
  return { ...alert, output_fields: { ...alert.output_fields, 'tiercel.mac': macOf(MAC_KEY, identity.facts) } };
}

/** Everything respond needs, in memory, acting on the given cluster. */
export function responder(options: {
  readonly clock: Clock;
  readonly client: KubeClient | undefined;
  readonly policies: string;
  readonly ceiling?: Mode;
}): RespondDeps {
  const { clock, client } = options;
  const set = loadPolicies([{ path: 'policies.yaml', text: options.policies }], actionCatalogue);
  return respondInMemory(set, clock, {
    ceiling: options.ceiling ?? 'enforce',
    macKeys: [MAC_KEY],
    principal: { username: 'tiercel-respond' },
    ...(client ? { clusters: { clientFor: async () => ({ client }) } } : {}),
  });
}

/** Delivers one alert, as a direct invocation would. */
export async function deliver(alert: FalcoAlert, deps: RespondDeps) {
  const [outcome] = await respondToAlerts([{ kind: 'alert', alert, via: { kind: 'invoke' } }], deps, {
    killedAtMs: deps.clock.now() + LEASE_MS,
  });
  return outcome!;
}
