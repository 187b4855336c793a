export {
  type LoadOptions,
  type LoadTarget,
  load,
  type Result,
  type Scenario,
  type ScenarioInput,
} from "../bench/index.js";
export { createEchoServer, type EchoServer, type EchoServerOptions } from "../src/index.js";
