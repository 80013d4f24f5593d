package main

import (
	"fmt"
	"net"
	"testing"
)

// relay is an address at the box's end of a way to a port of the hub; pass carries one direction
// of one connection, toHub says which.
func relay(t *testing.T, port int, pass func(to, from net.Conn, toHub bool)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				in.Close()
				continue
			}
			go pass(out, in, true)
			go pass(in, out, false)
		}
	}()
	return l.Addr().String()
}
