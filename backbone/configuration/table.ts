import { environmentName, flagName, type OptionDeclaration } from './option.js';

/** Renders a service's settings as a Markdown table. */
export function optionsTable(options: readonly OptionDeclaration[]): string {
  const rows = options.map((option) => [
    `\`${option.key}\``,
    `\`${environmentName(option.key)}\`, \`--${flagName(option.key)}\``,
    defaultOf(option),
    `${option.description}${constraintOf(option)}${needsOf(option)}`,
  ]);
  return [
    '| Setting | Environment variable, flag | Default | Description |',
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
  return needs.length === 0 ? '' : `; requires ${needs.map((key) => `\`${key}\``).join(' and ')}`;
}

function constraintOf(option: OptionDeclaration): string {
  switch (option.type) {
    case 'string':
      return option.values ? `: ${option.values.map((value) => `\`${value}\``).join(', ')}` : '';
    case 'integer':
    case 'duration':
    case 'size':
      return ` (${option.min} to ${option.max})`;
    case 'secret':
      return `; or \`${option.key}File\`, a file that contains it`;
    case 'strings':
    case 'file':
    case 'boolean':
      return '';
  }
}
