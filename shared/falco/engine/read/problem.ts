import type { DiagnosticCode } from '../diagnostic.ts';
import type { Place } from './source.ts';

/** Stops the reading of a file. Thrown inside read, resolve and load; the loader turns it into a diagnostic. */
export class LoadProblem extends Error {
  readonly code: DiagnosticCode;
  readonly place: Place;
  readonly help: string | undefined;

  constructor(code: DiagnosticCode, message: string, place: Place, help?: string) {
    super(message);
    this.name = 'LoadProblem';
    this.code = code;
    this.place = place;
    this.help = help;
  }
}

/** Takes warnings while a file is read. */
export type Warn = (code: DiagnosticCode, message: string, place: Place) => void;
