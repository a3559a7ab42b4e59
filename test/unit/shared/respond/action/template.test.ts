import { expect, it } from 'vitest';
import { fillIn } from '../../../../../shared/respond/action/template.ts';
import { bindingAlert } from '../../../../support/alerts.ts';

it('fills in fields as data: nothing of them is looked at again', () => {
  const alert = bindingAlert({
    'ka.user.name': '{ka.verb} $(reboot) `id`',
    'ka.target.name': null,
    'ka.impuser.name': `${'x'.repeat(507)}[...]`,
    'ka.useragent': 'u'.repeat(999),
  });
  expect(fillIn('{rule}, {priority}: {ka.user.name}', alert)).toBe('Attach to cluster-admin Role, Warning: {ka.verb} $(reboot) `id`');
  expect(fillIn('{ka.target.name} {ka.impuser.name} {ka.nothing}', alert)).toBe('(unknown) (cut) (unknown)');
  expect(fillIn('{ka.useragent}', alert)).toHaveLength(200);
});
