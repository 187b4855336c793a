// An echo server on github.com/gorilla/websocket, the other library that the article names.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/gorilla/websocket"
)

func main() {
	port := flag.Int("port", 0, "port to listen on, 0 for a free one")
	deflate := flag.Bool("deflate", false, "accept permessage-deflate (RFC 7692)")
	flag.Parse()

	upgrader := websocket.Upgrader{
		EnableCompression: *deflate,
		CheckOrigin:       func(*http.Request) bool { return true },
	}
	http.HandleFunc("/ws", func(writer http.ResponseWriter, request *http.Request) {
		socket, err := upgrader.Upgrade(writer, request, nil)
		if err != nil {
			return
		}
		defer socket.Close()
		for {
			opcode, payload, err := socket.ReadMessage()
			if err != nil {
				return
			}
			if err := socket.WriteMessage(opcode, payload); err != nil {
				return
			}
		}
	})

	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on port %d\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, nil))
}
