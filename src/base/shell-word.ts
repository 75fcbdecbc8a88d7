// Texts as words of a shell's command line.

/** Quotes a text for the shell, if it needs that. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command to run next, with the options without which it would look elsewhere; what is undefined is left out. */
export function commandLine(
  words: readonly string[],
  options: Readonly<Record<string, string | undefined>> = {},
): string {
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  return ["abkd", ...words, ...given].map(shellWord).join(" ");
}
