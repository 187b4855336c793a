// A client on github.com/gorilla/websocket that holds the exchange with an endpoint and prints its report.
// Its write buffer is 4 KiB, so that it sends a large message as some hundred fragments (RFC 6455 5.4).
package main

import (
	"errors"
	"time"

	"echolot/peers/exchange"

	"github.com/gorilla/websocket"
)

type client struct {
	socket *websocket.Conn
}

func (c client) Send(message exchange.Message) error {
	opcode := websocket.TextMessage
	if message.Binary {
		opcode = websocket.BinaryMessage
	}
	return c.socket.WriteMessage(opcode, message.Payload)
}

func (c client) Ping(payload []byte) error {
	return c.socket.WriteControl(websocket.PingMessage, payload, time.Time{})
}

func (c client) Close(code int, reason string) error {
	return c.socket.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Time{})
}

func listen(socket *websocket.Conn, events chan<- exchange.Event) {
	socket.SetPongHandler(func(payload string) error {
		events <- exchange.Event{Kind: "pong", Payload: []byte(payload)}
		return nil
	})
	for {
		opcode, payload, err := socket.ReadMessage()
		if err != nil {
			code := websocket.CloseAbnormalClosure
			var frame *websocket.CloseError
			if errors.As(err, &frame) {
				code = frame.Code
			}
			events <- exchange.Event{Kind: "closed", Code: code}
			return
		}
		events <- exchange.Event{Kind: "message", Binary: opcode == websocket.BinaryMessage, Payload: payload}
	}
}

func main() {
	options := exchange.ParseOptions()
	dialer := websocket.Dialer{EnableCompression: options.Deflate, WriteBufferSize: 4096}
	socket, response, err := dialer.Dial(options.URL, nil)
	if err != nil {
		exchange.Fail("gorilla", err)
	}
	events := make(chan exchange.Event, 256)
	go listen(socket, events)
	report := exchange.Report{Client: "gorilla", Extensions: response.Header.Get("Sec-WebSocket-Extensions")}
	exchange.Finish(exchange.Hold(client{socket}, events, options, report))
}
