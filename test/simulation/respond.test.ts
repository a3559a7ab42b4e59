import { it } from 'vitest';
import { checkHistories } from './respond.ts';

it('responses are made once, to the right object, within every limit, and none is stuck, in any of three hundred histories', () =>
  checkHistories(300));
