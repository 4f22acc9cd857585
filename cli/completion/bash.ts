import type { Place } from './words.js';

/** A script that completes the command in bash (bash(1), "Programmable Completion"). */
export function bashScript(places: readonly Place[]): string {
  const paths = places.filter(({ path }) => path !== '').map(({ path }) => `"${path}"`);
  return `# Completes sonde in bash: source <(sonde completion bash)
_sonde() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    word="\${path:+$path }$word"
    case "$word" in ${paths.join('|')}) path="$word" ;; esac
  done
  local words=""
  case "$path $previous" in
${places.flatMap(valueCases).join('\n')}
  esac
  if [[ -z "$words" ]]; then
    case "$path" in
${places.map(({ path, ...place }) => `      "${path}") words="${wordsOf({ path, ...place }).join(' ')}" ;;`).join('\n')}
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o default -F _sonde sonde
`;
}

function valueCases({ path, options }: Place): string[] {
  return options
    .filter(({ values }) => values.length > 0)
    .map(({ word, short, values }) => {
      const forms = [word, ...(short === undefined ? [] : [short])].map((form) => `"${path} ${form}"`);
      return `    ${forms.join('|')}) words="${values.join(' ')}" ;;`;
    });
}

function wordsOf({ commands, options, values }: Place): string[] {
  return [...commands.map(({ word }) => word), ...values, ...options.map(({ word }) => word)];
}
