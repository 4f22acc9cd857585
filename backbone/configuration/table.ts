import { environmentName, flagName, type OptionDeclaration } from './option.js';

/** A service's settings as a table in Markdown. */
export function optionsTable(options: readonly OptionDeclaration[]): string {
  const rows = options.map((option) => [
    `\`${option.key}\``,
    `\`${environmentName(option.key)}\`, \`--${flagName(option.key)}\``,
    defaultOf(option),
    `${option.description}${constraintOf(option)}${needsOf(option)}`,
  ]);
  return [
    '| key | environment, flag | default | meaning |',
    '|---|---|---|---|',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');
}

function defaultOf(option: OptionDeclaration): string {
  if (option.required === true) return '*required*';
  const value = 'default' in option ? option.default : undefined;
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return '';
  return `\`${String(value)}\``;
}

function needsOf({ needs = [] }: OptionDeclaration): string {
  return needs.length === 0 ? '' : `; needs ${needs.map((key) => `\`${key}\``).join(' and ')}`;
}

function constraintOf(option: OptionDeclaration): string {
  switch (option.type) {
    case 'text':
      return option.values ? `: ${option.values.map((value) => `\`${value}\``).join(', ')}` : '';
    case 'number':
    case 'integer':
      return ` (${option.least} to ${option.most})`;
    case 'secret':
      return `; or \`${option.key}File\`, a file that holds it`;
    case 'texts':
    case 'file':
    case 'boolean':
      return '';
  }
}
