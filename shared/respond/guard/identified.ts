import { type Guard, pass, refuse } from './guard.ts';

/** The happening, the object and everything the action needs must be named exactly. */
export const identified: Guard = {
  name: 'identified',
  summary: 'The alert names the request, the object and every field the action needs; nothing of it was cut.',
  ask: ({ identity, target, missing, action, alert, parameters }) => {
    if (!identity.known) {
      const faults = [
        ...identity.missing.map((name) => `${name} is missing`),
        ...identity.truncated.map((name) => `${name} was truncated`),
      ];
      return refuse(
        `${faults.join(', ')}: load the append_output configuration into Falco, and keep alerts under Falcosidekick's 4,096 bytes`,
      );
    }
    if (missing.length > 0 || !target) return refuse(`${missing.join(', ')} missing, truncated or no name that Kubernetes takes`);
    const declined = action.declines(target, alert, parameters);
    return declined === undefined ? pass('request, object and needed fields are all named') : refuse(declined);
  },
};
