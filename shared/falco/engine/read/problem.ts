import type { DiagnosticCode } from '../diagnostic.ts';
import type { Place } from './source.ts';

/** Stops the reading of a file. Thrown inside read, resolve and load; the loader turns it into a diagnostic. */
export class LoadProblem extends Error {
  readonly code: DiagnosticCode;
  readonly place: Place;
  readonly help: string | undefined;
  /** The consequence of another problem, about which nothing need be said besides. */
  readonly follows: boolean;

  constructor(code: DiagnosticCode, message: string, place: Place, help?: string, follows = false) {
    super(message);
    this.name = 'LoadProblem';
    this.code = code;
    this.place = place;
    this.help = help;
    this.follows = follows;
  }
}

/** Where what there is to say goes while files are loaded. */
export interface Reporter {
  readonly warn: Warn;
  /**
   * Does a piece of work that may throw a LoadProblem. It is thrown on where the load ends with the first error, as Falco's does;
   * else it is reported and the result is undefined.
   */
  readonly attempt: <T>(work: () => T) => T | undefined;
  /** Whether there was an error. */
  readonly failed: boolean;
}

export type Warn = (code: DiagnosticCode, message: string, place: Place) => void;
