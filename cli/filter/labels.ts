import type { RecordKind } from '../client/records.js';
import { CommandLineError } from './errors.js';

/**
 * The condition for label selectors as kubectl takes them, `app=web,tier!=front,env,!canary`: one side has them all.
 * @throws CommandLineError for other text.
 */
export function labelConditions(selectors: readonly string[], kind: RecordKind): string {
  const side = kind === 'dns' ? 'src.' : '';
  const conditions = selectors.map((selector) => {
    const [, not = '', key = '', operator = '', value = ''] =
      /^(!?)([\w./-]+)(?:(==|=|!=)([\w.-]*))?$/.exec(selector) ?? [];
    if (key === '' || (not !== '' && operator !== '')) {
      throw new CommandLineError(
        `"${selector}" is no label selector: write KEY=VALUE, KEY!=VALUE, KEY or !KEY`,
      );
    }
    if (operator === '') return `${not}(${JSON.stringify(key)} in ${side}labels)`;
    return `${side}labels[${JSON.stringify(key)}] ${operator === '!=' ? '!=' : '=='} ${JSON.stringify(value)}`;
  });
  const all = conditions.join(' && ');
  return kind === 'dns' ? `(${all})` : `either(${all})`;
}
