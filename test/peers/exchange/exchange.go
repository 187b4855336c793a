// Package exchange is the conversation that every Go client of these tests holds with an echo endpoint:
// the messages, the comparison byte for byte, the pings and the close. A client adds only its library.
package exchange

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"time"
)

const (
	burstMessages = 100
	answerTimeout = 10 * time.Second
	mebibyte      = 1 << 20

	// CloseCode is of the private range (RFC 6455 7.4.2), so that no endpoint picks it by itself.
	CloseCode   = 4000
	CloseReason = "done"
)

// Message is what a client sends and must get back with the same opcode and the same bytes.
type Message struct {
	Name    string
	Binary  bool
	Payload []byte
}

// Event is what a client hears: a message, a pong or the end of the connection.
type Event struct {
	Kind    string // "message", "pong" or "closed"
	Binary  bool
	Payload []byte
	Code    int // of a "closed" event; 1006 when no close frame came (RFC 6455 7.1.5)
}

// Conn is one library's client connection. What it hears goes to the channel given to Hold.
type Conn interface {
	Send(message Message) error
	Ping(payload []byte) error
	Close(code int, reason string) error
}

// Options are the flags of every client.
type Options struct {
	URL       string
	Deflate   bool
	PingEvery time.Duration
	For       time.Duration
}

// Report is printed as one line of JSON.
type Report struct {
	Client     string   `json:"client"`
	Extensions string   `json:"extensions"`
	Messages   int      `json:"messages"`
	Bytes      int      `json:"bytes"`
	Pongs      int      `json:"pongs"`
	CloseCode  int      `json:"closeCode"`
	Faults     []string `json:"faults"`
}

// ParseOptions reads the command line.
func ParseOptions() Options {
	options := Options{}
	flag.StringVar(&options.URL, "url", "", "endpoint, ws://host:port/path")
	flag.BoolVar(&options.Deflate, "deflate", false, "offer permessage-deflate (RFC 7692)")
	flag.DurationVar(&options.PingEvery, "ping-every", 0, "time between two pings while the connection is held open")
	flag.DurationVar(&options.For, "for", 0, "how long the connection is held open after the messages")
	flag.Parse()
	return options
}

// Finish prints the report and ends the process: 0 when nothing was at fault, 1 otherwise.
func Finish(report Report) {
	_ = json.NewEncoder(os.Stdout).Encode(report)
	if len(report.Faults) > 0 {
		os.Exit(1)
	}
	os.Exit(0)
}

// Fail reports an error from before the conversation, such as a refused handshake.
func Fail(client string, err error) {
	Finish(Report{Client: client, Faults: []string{err.Error()}})
}

func messages() []Message {
	everyByte := make([]byte, 256)
	for index := range everyByte {
		everyByte[index] = byte(index)
	}
	noise := make([]byte, mebibyte)
	rand.New(rand.NewSource(6455)).Read(noise)
	return []Message{
		{"text", false, []byte("Hello Server!")},
		{"text in several scripts", false, []byte("收到伺服器訊息 grüße 🚀")},
		{"empty text", false, []byte{}},
		{"binary of every byte", true, everyByte},
		{"empty binary", true, []byte{}},
		{"1 MiB of noise", true, noise},
		{"1 MiB of text", false, []byte(strings.Repeat("an echo sounder ", mebibyte/16))},
	}
}

// Hold runs the conversation: each message and its echo, a burst whose echoes must keep their order, pings
// whose pongs must carry their payload (RFC 6455 5.5.3), and a close whose code must come back (5.5.1).
func Hold(conn Conn, events <-chan Event, options Options, report Report) Report {
	report.Faults = []string{}
	fault := func(format string, values ...any) {
		report.Faults = append(report.Faults, fmt.Sprintf(format, values...))
	}
	next := func(waitingFor string) (Event, bool) {
		select {
		case event := <-events:
			return event, true
		case <-time.After(answerTimeout):
			fault("no %s within %s", waitingFor, answerTimeout)
			return Event{}, false
		}
	}
	compare := func(sent Message) bool {
		event, ok := next("echo of " + sent.Name)
		switch {
		case !ok:
			return false
		case event.Kind != "message":
			fault("%s: a %s (code %d) came in place of the echo", sent.Name, event.Kind, event.Code)
			return false
		case event.Binary != sent.Binary:
			fault("%s: the echo has the other opcode", sent.Name)
			return false
		case !bytes.Equal(event.Payload, sent.Payload):
			fault("%s: sent %d bytes, got %d other bytes", sent.Name, len(sent.Payload), len(event.Payload))
			return false
		}
		report.Messages++
		report.Bytes += len(event.Payload)
		return true
	}
	ping := func(payload string) bool {
		if err := conn.Ping([]byte(payload)); err != nil {
			fault("ping: %v", err)
			return false
		}
		event, ok := next("pong")
		if ok && (event.Kind != "pong" || string(event.Payload) != payload) {
			fault("ping %q got %s %q (code %d)", payload, event.Kind, event.Payload, event.Code)
			return false
		}
		report.Pongs++
		return ok
	}

	for _, message := range messages() {
		if err := conn.Send(message); err != nil {
			fault("%s: %v", message.Name, err)
			return report
		}
		if !compare(message) {
			return report
		}
	}
	burst := make([]Message, burstMessages)
	for index := range burst {
		burst[index] = Message{fmt.Sprintf("burst %d", index), index%2 == 1, []byte(strings.Repeat(fmt.Sprint(index, " "), index))}
		if err := conn.Send(burst[index]); err != nil {
			fault("%s: %v", burst[index].Name, err)
			return report
		}
	}
	for _, message := range burst {
		if !compare(message) {
			return report
		}
	}

	if !ping("beat 0") {
		return report
	}
	if options.PingEvery > 0 {
		beat := time.NewTicker(options.PingEvery)
		defer beat.Stop()
		for end := time.Now().Add(options.For); time.Now().Before(end); {
			<-beat.C
			if !ping(fmt.Sprintf("beat %d", report.Pongs)) {
				return report
			}
		}
	}

	if err := conn.Close(CloseCode, CloseReason); err != nil {
		fault("close: %v", err)
		return report
	}
	if event, ok := next("close"); ok {
		report.CloseCode = event.Code
		if event.Kind != "closed" || event.Code != CloseCode {
			fault("close %d was answered with %s %d", CloseCode, event.Kind, event.Code)
		}
	}
	return report
}
