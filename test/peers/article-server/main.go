// The article's WebSocket server: github.com/lxzan/gws, parallel handlers, permessage-deflate, and a deadline of
// 15 s that only the opening and a client's ping set anew. Its pong is empty, as in the article.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/lxzan/gws"
)

const (
	pingInterval = 5 * time.Second
	pingWait     = 10 * time.Second
)

type echo struct {
	gws.BuiltinEventHandler
}

func extend(socket *gws.Conn) {
	_ = socket.SetDeadline(time.Now().Add(pingInterval + pingWait))
}

func (echo) OnOpen(socket *gws.Conn) {
	extend(socket)
}

func (echo) OnPing(socket *gws.Conn, _ []byte) {
	extend(socket)
	_ = socket.WritePong(nil)
}

func (echo) OnMessage(socket *gws.Conn, message *gws.Message) {
	defer message.Close()
	_ = socket.WriteMessage(message.Opcode, message.Bytes())
}

func main() {
	port := flag.Int("port", 6666, "port to listen on, 0 for a free one")
	flag.Parse()

	upgrader := gws.NewUpgrader(echo{}, &gws.ServerOption{
		ParallelEnabled:   true,
		Recovery:          gws.Recovery,
		PermessageDeflate: gws.PermessageDeflate{Enabled: true},
	})
	http.HandleFunc("/ws", func(writer http.ResponseWriter, request *http.Request) {
		socket, err := upgrader.Upgrade(writer, request)
		if err != nil {
			return
		}
		// Reading in the handler would keep the request alive as long as the connection.
		go socket.ReadLoop()
	})

	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on port %d\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, nil))
}
