// Generated parts of documents: numbers are written by commands, between two markers.

/**
 * The text with the part between `<!-- generated: name -->` and `<!-- end: name -->` replaced.
 * @throws where the markers are not there
 */
export function writeSection(text: string, name: string, content: string): string {
  const begin = `<!-- generated: ${name} -->`;
  const end = `<!-- end: ${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`no section "${begin} ... ${end}" to write to`);
  return `${text.slice(0, from + begin.length)}\n\n${content.trim()}\n\n${text.slice(to)}`;
}
