// The echo server in Go, on one processor as every other: a goroutine and a buffer per connection.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
)

func echo(connection net.Conn, size int) {
	defer connection.Close()
	buffer := make([]byte, size)
	for {
		received, err := connection.Read(buffer)
		if err != nil {
			return
		}
		if _, err = connection.Write(buffer[:received]); err != nil {
			return
		}
	}
}

func main() {
	port := flag.Int("port", 0, "where to listen; 0: the kernel chooses")
	size := flag.Int("size", 16384, "the messages to expect, in bytes")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		fmt.Fprintln(os.Stderr, "go_server:", err)
		os.Exit(1)
	}
	fmt.Println("listening", listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept() // sets TCP_NODELAY
		if err != nil {
			fmt.Fprintln(os.Stderr, "go_server:", err)
			os.Exit(1)
		}
		go echo(connection, *size)
	}
}
