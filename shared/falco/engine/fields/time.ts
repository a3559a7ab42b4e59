import type { Moment } from '../accept/index.ts';

/** Falco prints local times; its containers, Lambda and this engine run in UTC. */
export interface TimeTexts {
  /** YYYY-MM-DD */
  readonly date: string;
  /** HH:MM:SS */
  readonly time: string;
  /** nnnnnnnnn */
  readonly fraction: string;
}

let lastSecond = Number.NaN;
let lastDate = '';
let lastTime = '';

/** The parts of a moment's text, UTC. */
export function timeTexts(moment: Moment): TimeTexts {
  if (moment.seconds !== lastSecond) {
    const iso = new Date(moment.seconds * 1000).toISOString();
    const split = iso.indexOf('T');
    lastDate = iso.slice(0, split);
    lastTime = iso.slice(split + 1, split + 9);
    lastSecond = moment.seconds;
  }
  return { date: lastDate, time: lastTime, fraction: String(moment.nanoseconds).padStart(9, '0') };
}
