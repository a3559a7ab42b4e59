/** From least to most: `off` looks at nothing, `shadow` plans and records, `enforce` acts. */
export const MODES = ['off', 'shadow', 'enforce'] as const;
export type Mode = (typeof MODES)[number];

/** The most cautious of several modes: the deployment, the run-time switch and the policy each set a ceiling. */
export function mostCautious(...modes: readonly Mode[]): Mode {
  return MODES[Math.min(...modes.map((mode) => MODES.indexOf(mode)))] ?? 'off';
}
