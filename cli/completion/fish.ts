import type { Place } from './words.js';

/** A script that completes the command in fish (https://fishshell.com/docs/current/completions.html). */
export function fishScript(places: readonly Place[]): string {
  const paths = places.filter(({ path }) => path !== '').map(({ path }) => quoted(path));
  return `# Completes sonde in fish: sonde completion fish | source
function __sonde_place
    set -l place
    for word in (commandline -opc)[2..-1]
        set -l longer (string trim "$place $word")
        if contains -- "$longer" ${paths.join(' ')}
            set place $longer
        end
    end
    test "$place" = "$argv[1]"
end
complete -c sonde -f
${places.flatMap(linesOf).join('\n')}
`;
}

function linesOf({ path, commands, options, values }: Place): string[] {
  const start = `complete -c sonde -n ${quoted(`__sonde_place "${path}"`)}`;
  return [
    ...commands.map(({ word, description }) => `${start} -a ${quoted(word)} -d ${quoted(description)}`),
    ...(values.length > 0 ? [`${start} -a ${quoted(values.join(' '))}`] : []),
    ...options.map(({ word, short, description, values: known, takesValue }) => {
      const forms = `-l ${word.replace(/^--/, '')}${short === undefined ? '' : ` -s ${short.replace(/^-/, '')}`}`;
      const value = known.length > 0 ? ` -x -a ${quoted(known.join(' '))}` : takesValue ? ' -r' : '';
      return `${start} ${forms}${value} -d ${quoted(description)}`;
    }),
  ];
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
