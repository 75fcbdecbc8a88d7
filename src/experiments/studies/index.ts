// The list of studies: a new one is a file and a line here.

import { needText } from "../../arguments.ts";
import { OptionError } from "../../errors.ts";
import { printable } from "../../printable.ts";
import { didYouMean, type Suggested } from "../../suggested.ts";
import type { Study } from "../study.ts";
import { figure5 } from "./figure5.ts";
import { table3 } from "./table3.ts";
import { table4 } from "./table4.ts";
import { teachers } from "./teachers.ts";
import {
  table6Study,
  table7Study,
  table10Study,
  table11Study,
  table12Study,
} from "./variations.ts";

/** The teachers of all, then the paper's order; by their own names, which Tab offers. */
const BY_NAME = {
  teachers,
  table3,
  table4,
  table6: table6Study,
  table7: table7Study,
  table10: table10Study,
  table11: table11Study,
  table12: table12Study,
  figure5,
} as const satisfies Readonly<Record<string, Study>>;

export type StudyName = keyof typeof BY_NAME;

export const studies: readonly Study[] = Object.values(BY_NAME);

/** @throws {OptionError} naming the studies there are */
export function findStudy(name: Suggested<StudyName>): Study {
  needText(name, "findStudy: name", "a study's name");
  const found = studies.find((study) => study.name === name);
  if (found) return found;
  const names = studies.map((study) => study.name);
  const meant = didYouMean(name, names);
  throw new OptionError(`no study "${printable(name)}"; there is ${names.join(", ")}${meant}`);
}
