export { EcholotError, type ErrorCode } from "../cli/errors.js";
export { type LoadOptions, type LoadTarget, load } from "./load.js";
export type * from "./result/result.js";
export { readResult, saveResult } from "./result/save.js";
export type { Scenario, ScenarioInput } from "./scenario/scenario.js";
