import { InvalidArgumentError, Option } from 'commander';
import { PRIORITIES, type Priority } from '../shared/falco/alert.ts';

/** Collects an option that may be given several times. */
export function repeated(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Reads a whole number, both bounds included. */
export function wholeNumber(least = 0, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const expected = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) throw new InvalidArgumentError(`Expected a whole number ${expected}.`);
    return value;
  };
}

/** A priority in any case; `info` is short for Informational. */
export function priorityNamed(text: string): Priority {
  const wanted = text.toLowerCase() === 'info' ? 'informational' : text.toLowerCase();
  const found = PRIORITIES.find((priority) => priority.toLowerCase() === wanted);
  if (!found) throw new InvalidArgumentError(`Expected one of ${PRIORITIES.join(', ')}.`);
  return found;
}

/** Options that several commands have, spelt and explained alike. */
export const rulesOption = () =>
  new Option(
    '--rules <path>',
    'rules file or folder, repeatable; in order of loading (default: the rules that come with tiercel)',
  ).argParser(repeated);
export const priorityOption = () => new Option('--priority <priority>', 'leave out rules that are less urgent').argParser(priorityNamed);
export const appendOutputOption = () =>
  new Option('--append-output <file>', "a Falco configuration whose append_output is added to the rules' outputs");
export const policyOption = () =>
  new Option('--policy <path>', 'policy file or folder, repeatable (default: the policies that come with tiercel)').argParser(repeated);
export const webhookOption = () =>
  new Option('--to <url>', "Falco's webhook, for example http://127.0.0.1:9765/k8s-audit").makeOptionMandatory();
export const tlsOptions = () => [
  new Option('--ca <file>', "PEM file with the authorities of Falco's certificate"),
  new Option('--cert <file>', 'PEM file with a client certificate'),
  new Option('--key <file>', 'PEM file with its private key'),
];
