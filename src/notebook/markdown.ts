// Markdown cells as HTML: CommonMark with tables, and mathematics as MathML, which browsers draw by themselves.
import mathematics from "@vscode/markdown-it-katex";
import Markdown, { type MarkdownIt } from "markdown-it";

/** No formula of a stranger may grow without end; those in error are shown as they were typed. */
const MATHEMATICS = {
  ...{ output: "mathml", throwOnError: false, maxExpand: 1000, maxSize: 50 },
  enableBareBlocks: true, // \\begin{align}, as JupyterLab draws it
};

let made: MarkdownIt | undefined;

/** Returns a Markdown text's HTML, which is a stranger's still. */
export function markdownHtml(text: string): string {
  made ??= renderer();
  return made.render(text);
}

function renderer(): MarkdownIt {
  const markdown = new Markdown({ html: true, linkify: true });
  // A CommonJS package: its exports are the import's default. Its types name KaTeX's options nowhere.
  mathematics.default(markdown as never, MATHEMATICS);
  markdown.renderer.rules["heading_open"] = (tokens, index) => {
    const { tag } = tokens[index]!;
    // As JupyterLab names a heading's place: its text with dashes for spaces.
    const place = (tokens[index + 1]?.content ?? "").replaceAll(" ", "-");
    return `<${tag} id="${markdown.utils.escapeHtml(place)}">`;
  };
  return markdown;
}
