// Widgets for cells: `import { slider, interact } from "tskernel/widgets"`. Nothing of this is loaded before.

export type { CustomWidget, ModuleView, PageModel, View } from "./any.ts";
export { widget } from "./any.ts";
export type { BoxOptions, Button, ButtonOptions } from "./boxes.ts";
export { box, button, tabs } from "./boxes.ts";
export type {
  CheckboxOptions,
  Choices,
  ColorOptions,
  DateOptions,
  DropdownOptions,
  FileUploadOptions,
  ProgressOptions,
  Slider,
  SliderOptions,
  TextOptions,
  UploadedFile,
} from "./controls.ts";
export {
  checkbox,
  color,
  date,
  dropdown,
  fileUpload,
  html,
  progress,
  slider,
  text,
} from "./controls.ts";
export type { Figure, FigureContent, FigurePoint, Plain } from "./figure.ts";
export { figure } from "./figure.ts";
export type { Controls, Interaction, Values } from "./interact.ts";
export { interact, link } from "./interact.ts";
export type { Output, Shown } from "./output.ts";
export { output } from "./output.ts";
export type { Changeable, Described, Options, Widget } from "./widget.ts";
