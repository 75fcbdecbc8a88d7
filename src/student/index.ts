// What a page or a program without the engine imports: `abkd/student`, or student.js of a web folder.
export { type LoadedGraph, loadGraph, loadStudent, type Source } from "./files.ts";
export { type AddedNode, type Rows, StudentError, type StudentGraph } from "./rows.ts";
export { type Predictions, PreparedGraph, Student, type StudentFile } from "./student.ts";
