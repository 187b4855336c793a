import type { HttpRequest, HttpResponse } from "uWebSockets.js-20.51";

export interface Answer {
  readonly status: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/**
 * Sends a plain answer and ends the connection: an idle kept-alive one would hold up a drain.
 * To be called inside the request's own callback.
 */
export function answer(response: HttpResponse, method: string, { status, headers = [], body }: Answer): void {
  response.writeStatus(status);
  for (const [name, value] of headers) response.writeHeader(name, value);
  response.writeHeader("Content-Type", "text/plain; charset=utf-8");
  if (method === "head") {
    // endWithoutBody with arguments ends the whole process in uWebSockets.js 20.51.
    response.writeHeader("Connection", "close").endWithoutBody();
  } else {
    response.end(body, true);
  }
}

/** Every header once, with a repeated one's values joined. */
export function readHeaders(request: HttpRequest): Map<string, string> {
  const headers = new Map<string, string>();
  request.forEach((name, value) => {
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  });
  return headers;
}
