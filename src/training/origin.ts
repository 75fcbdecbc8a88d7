// Tells whose file it is, and whether it is whole: no damaged file of ours passes for another program's.
import { type DigestState, FormatError } from "../formats/safetensors.ts";

/**
 * Whether a file says that abkd wrote it, by its format, its run or its digest: damage to one of them
 * does not make it another program's, whose files are accepted without a digest.
 * @param name the file's name, for messages
 * @throws FormatError for a file of ours whose digest does not fit
 */
export function isOurs(
  metadata: Readonly<Record<string, string>>,
  digest: DigestState,
  name: string,
): boolean {
  const { format, run } = metadata;
  if (digest === "fits") return true;
  if (digest === "absent" && run === undefined && !format?.startsWith("abkd")) return false;
  const what =
    digest === "differs"
      ? "is damaged or was altered: its digest does not match"
      : "has no digest: it was altered, or written before abkd kept digests";
  throw new FormatError(`${name} ${what}; train or export it again`);
}
