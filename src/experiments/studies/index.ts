// The list of studies: a new one is a file and a line here.

import { needArray, needObject } from "../../base/arguments.ts";
import { Registry } from "../../base/registry.ts";
import type { Suggested } from "../../base/suggested.ts";
import type { Study } from "../study.ts";
import { alignaheadStudy } from "./alignahead.ts";
import { figure5 } from "./figure5.ts";
import { table2 } from "./table2.ts";
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

/** The studies by name, which Tab completes: everyone's teachers, then the paper's order. */
const BY_NAME = {
  teachers,
  table2,
  table3,
  table4,
  table6: table6Study,
  table7: table7Study,
  table10: table10Study,
  table11: table11Study,
  table12: table12Study,
  figure5,
  alignahead: alignaheadStudy,
} as const satisfies Readonly<Record<string, Study>>;

export type StudyName = keyof typeof BY_NAME;

const registry = new Registry<Study>("study", Object.values(BY_NAME));

/** The built-in studies, then those that were added. */
export const studies = registry.all;

/** @throws {OptionError} naming the studies that exist */
export function findStudy(name: Suggested<StudyName>): Study {
  return registry.find(name);
}

/**
 * Adds a study. @returns a function that removes it again
 * @throws {OptionError} for a malformed or taken name, or a missing part
 */
export function registerStudy(study: Study): () => void {
  const legal = "a Study, such as findStudy() gives";
  const parts = ["name", "title", "about", "datasets", "arms", "subject", "claims"];
  needObject(study, "registerStudy: study", legal, ...parts);
  needArray(study.datasets, "registerStudy: datasets", "an array of datasets' names");
  needArray(study.arms, "registerStudy: arms", "an array of arms", "id", "label", "config");
  return registry.add(study);
}
