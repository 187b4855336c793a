import type { TemplatedApp } from "uWebSockets.js-20.51";
import { type Answer, answer } from "./answer.js";

const METHOD_NOT_ALLOWED: Answer = {
  status: "405 Method Not Allowed",
  headers: [["Allow", "GET, HEAD"]],
  body: "Only GET and HEAD.\n",
};

/** Liveness, readiness and 404. */
export function addHttpRoutes(app: TemplatedApp, isReady: () => boolean): void {
  addPage(app, "/healthz", () => ({ status: "200 OK", body: "ok\n" }));
  addPage(app, "/readyz", () =>
    isReady() ? { status: "200 OK", body: "ready\n" } : { status: "503 Service Unavailable", body: "draining\n" },
  );
  app.any("/*", (response, request) => {
    answer(response, request.getMethod(), {
      status: "404 Not Found",
      body: "Nothing here. The WebSocket endpoint is /ws; /healthz and /readyz tell the state.\n",
    });
  });
}

function addPage(app: TemplatedApp, path: string, page: () => Answer): void {
  app.any(path, (response, request) => {
    const method = request.getMethod();
    answer(response, method, method === "get" || method === "head" ? page() : METHOD_NOT_ALLOWED);
  });
}
