// A client on github.com/lxzan/gws that holds the exchange with an endpoint and prints its report.
package main

import (
	"encoding/binary"
	"errors"

	"echolot/peers/exchange"

	"github.com/lxzan/gws"
)

type handler struct {
	gws.BuiltinEventHandler
	events chan<- exchange.Event
}

func (h handler) OnMessage(_ *gws.Conn, message *gws.Message) {
	defer message.Close()
	// The library takes its buffer back on Close.
	payload := append([]byte{}, message.Bytes()...)
	h.events <- exchange.Event{Kind: "message", Binary: message.Opcode == gws.OpcodeBinary, Payload: payload}
}

func (h handler) OnPong(_ *gws.Conn, payload []byte) {
	h.events <- exchange.Event{Kind: "pong", Payload: payload}
}

func (h handler) OnClose(_ *gws.Conn, err error) {
	code := 1006
	var frame *gws.CloseError
	if errors.As(err, &frame) {
		code = int(frame.Code)
	}
	h.events <- exchange.Event{Kind: "closed", Code: code}
}

type client struct {
	socket *gws.Conn
}

func (c client) Send(message exchange.Message) error {
	opcode := gws.OpcodeText
	if message.Binary {
		opcode = gws.OpcodeBinary
	}
	return c.socket.WriteMessage(opcode, message.Payload)
}

func (c client) Ping(payload []byte) error {
	return c.socket.WritePing(payload)
}

// Close sends the frame itself: the library's WriteClose hangs up before the answer can be read.
func (c client) Close(code int, reason string) error {
	body := binary.BigEndian.AppendUint16(nil, uint16(code))
	return c.socket.WriteMessage(gws.OpcodeCloseConnection, append(body, reason...))
}

func main() {
	options := exchange.ParseOptions()
	events := make(chan exchange.Event, 256)
	socket, response, err := gws.NewClient(handler{events: events}, &gws.ClientOption{
		Addr: options.URL,
		PermessageDeflate: gws.PermessageDeflate{
			Enabled:               options.Deflate,
			ServerContextTakeover: true,
			ClientContextTakeover: true,
		},
	})
	if err != nil {
		exchange.Fail("gws", err)
	}
	go socket.ReadLoop()
	report := exchange.Report{Client: "gws", Extensions: response.Header.Get("Sec-WebSocket-Extensions")}
	exchange.Finish(exchange.Hold(client{socket}, events, options, report))
}
