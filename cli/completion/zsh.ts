import type { Place, Word } from './words.js';

/** A script that completes the command in zsh (zshcompsys(1)). */
export function zshScript(places: readonly Place[]): string {
  const paths = places.filter(({ path }) => path !== '').map(({ path }) => `"${path}"`);
  const cases = places.map(
    ({ path, commands, options, values }) => `    "${path}")
      _describe -t commands command '(${described(commands)})'
      _describe -t values value '(${values.join(' ')})'
      _describe -o -t options option '(${described(options)})'
      ;;`,
  );
  const valueCases = places.flatMap(({ path, options }) =>
    options
      .filter(({ values }) => values.length > 0)
      .map(({ word, short, values }) => {
        const forms = [word, ...(short === undefined ? [] : [short])].map((form) => `"${path} ${form}"`);
        return `    ${forms.join('|')}) compadd -- ${values.join(' ')}; return ;;`;
      }),
  );
  return `#compdef sonde
# Completes sonde in zsh: source <(sonde completion zsh)
_sonde() {
  local where="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    word="\${where:+$where }$word"
    case "$word" in (${paths.join('|')}) where="$word" ;; esac
  done
  case "$where \${words[CURRENT-1]}" in
${valueCases.map((line) => line.replace(/^( *)/, '$1(')).join('\n')}
  esac
  case "$where" in
${cases.map((text) => text.replace(/^( *)/, '$1(')).join('\n')}
  esac
}
compdef _sonde sonde
`;
}

function described(words: readonly Word[]): string {
  return words.map(({ word, description }) => `"${word}:${escaped(description)}"`).join(' ');
}

/** For a text within double quotes within single ones. */
function escaped(text: string): string {
  return text.replace(/['"\\`$:]/g, ' ');
}
