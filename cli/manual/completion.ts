import { flat, type OptionWords, type Words } from './words.ts'

/** Shells whose completion there is. */
export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** What the shell reads to complete our commands. */
export const completion = (shell: Shell, program: Words): string =>
  ({ bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion })[shell](program)

/** Commands are told by what was typed so far, each word behind a blank: " user add". */
const typed = ({ path }: Words): string => path.map((word) => ` ${word}`).join('')
const single = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** Options of the program hold everywhere. */
const optionsOf = (words: Words, program: Words): readonly OptionWords[] =>
  words === program ? words.options : [...words.options, ...program.options.filter(isEverywhere)]
const isEverywhere = ({ flags }: OptionWords): boolean => !flags.includes('-V') && !flags.includes('--help')

/** `case` patterns of the commands, and of the options whose next word is a value. */
function patterns(program: Words): { commands: string; valued: string } {
  const all = flat(program)
  const valued = all.flatMap((words) =>
    words.options
      .filter(({ takesValue }) => takesValue)
      .flatMap(({ flags }) => flags)
      .map((flag) => (words === program ? `*${single(` ${flag}`)}` : single(`${typed(words)} ${flag}`))),
  )
  return {
    commands: all
      .filter((words) => words !== program)
      .map((words) => single(typed(words)))
      .join('|'),
    valued: valued.join('|'),
  }
}

/** The rows of a `case` over the options that take one of a few words. */
const choiceRows = (program: Words, row: (pattern: string, choices: readonly string[]) => string): string =>
  flat(program)
    .flatMap((words) =>
      words.options
        .filter(({ choices }) => choices.length > 0)
        .map(({ flags, choices }) =>
          row(flags.map((flag) => single(`${typed(words)} ${flag}`)).join('|'), choices),
        ),
    )
    .join('\n')

function bashCompletion(program: Words): string {
  const { commands, valued } = patterns(program)
  const rows = flat(program).map((words) => {
    const options = optionsOf(words, program).flatMap(({ flags }) => flags)
    const below = words.commands.map(({ path }) => path.at(-1))
    return `    ${single(typed(words))}) commands='${below.join(' ')}' options='${options.join(' ')}' ;;`
  })
  return `# bash completion of edgeward
_edgeward() {
  local at= i commands= options= word=\${COMP_WORDS[COMP_CWORD]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
    ${valued}) ((i + 1 < COMP_CWORD)) && ((i++)) ;;
    ${commands}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at \${COMP_WORDS[COMP_CWORD - 1]}" in
${choiceRows(program, (pattern, choices) => `  ${pattern}) COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$word")); return ;;`)}
  ${valued}) compopt -o filenames; COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  case "$at" in
${rows.join('\n')}
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif [[ -n $commands ]]; then
    COMPREPLY=($(compgen -W "$commands" -- "$word"))
  else
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -F _edgeward edgeward
`
}

function zshCompletion(program: Words): string {
  const { commands, valued } = patterns(program)
  const described = (word: string, text: string): string =>
    single(`${word.replaceAll(':', '\\:')}:${text.replaceAll('\n', ' ')}`)
  const rows = flat(program).map((words) => {
    const options = optionsOf(words, program).flatMap(({ flags, description }) =>
      flags.map((flag) => described(flag, description)),
    )
    const below = words.commands.map(({ path, description }) => described(path.at(-1) ?? '', description))
    return `    (${single(typed(words))}) below=(${below.join(' ')}) options=(${options.join(' ')}) ;;`
  })
  return `#compdef edgeward
_edgeward() {
  local at= i
  local -a below options
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
    (${valued}) ((i + 1 < CURRENT)) && ((i++)) ;;
    (${commands}) at="$at \${words[i]}" ;;
    esac
  done
  case "$at \${words[CURRENT - 1]}" in
${choiceRows(program, (pattern, choices) => `    (${pattern}) compadd -- ${choices.join(' ')}; return ;;`)}
    (${valued}) _files; return ;;
  esac
  case "$at" in
${rows.join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    _describe option options
  elif ((\${#below})); then
    _describe command below
  else
    _files
  fi
}
_edgeward "$@"
`
}

function fishCompletion(program: Words): string {
  const { commands, valued } = patterns(program)
  const cases = (text: string): string => text.replaceAll('|', ' ').replaceAll(/\*'([^']*)'/g, "'*$1'")
  const lines = flat(program).flatMap((words) => {
    const condition = `-n ${single(`__edgeward_at ${single(typed(words))}`)}`
    const below = words.commands.map(
      ({ path, description }) =>
        `complete -c edgeward -f ${condition} -a ${path.at(-1)} -d ${single(description)}`,
    )
    const options = words.options.map((option) => fishOption(option, words === program ? '' : condition))
    return [...below, ...options]
  })
  return `# fish completion of edgeward
function __edgeward_at
    set -l at ''
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
            continue
        end
        switch "$at $word"
            case ${cases(valued)}
                set skip 1
            case ${cases(commands)}
                set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end
${lines.join('\n')}
`
}

function fishOption({ flags, description, takesValue, choices }: OptionWords, condition: string): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
  const value = choices.length > 0 ? ` -x -a ${single(choices.join(' '))}` : takesValue ? ' -r' : ''
  return `complete -c edgeward ${condition === '' ? '' : `${condition} `}${names.join(' ')}${value} -d ${single(description)}`
}
