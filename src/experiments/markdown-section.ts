// Generated sections of documents: commands write the numbers between two markers.

/**
 * Returns the text with the part between `<!-- generated: name -->` and `<!-- end: name -->` replaced.
 * @throws if the markers are missing
 */
export function writeSection(text: string, name: string, content: string): string {
  const begin = `<!-- generated: ${name} -->`;
  const end = `<!-- end: ${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`no section "${begin} ... ${end}" to write to`);
  return `${text.slice(0, from + begin.length)}\n\n${content.trim()}\n\n${text.slice(to)}`;
}
