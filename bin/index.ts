export {
  type LoadOptions,
  type LoadTarget,
  load,
  type Result,
  readResult,
  type Scenario,
  type ScenarioInput,
  saveResult,
} from "../bench/index.js";
export { EcholotError, type ErrorCode } from "../cli/errors.js";
export { createEchoServer, type EchoServer, type EchoServerOptions } from "../src/index.js";
