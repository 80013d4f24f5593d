package page

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Serve answers requests on l until ctx ends, lets answers under way finish for two
// seconds, and closes l. Streams end at once.
func (p *Page) Serve(ctx context.Context, l net.Listener) error {
	streams, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	server := &http.Server{
		Handler:           p.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return streams },
		ConnContext:       smallBuffer,
		ErrorLog:          log.New(io.Discard, "", 0), // of strangers that do not speak TLS: anybody could fill the log
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(l) }()
	select {
	case err := <-stopped:
		return fmt.Errorf("serve the page on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	end()
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err := server.Shutdown(wait)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if stop := <-stopped; !errors.Is(stop, http.ErrServerClosed) {
		err = errors.Join(err, stop)
	}
	return err
}

// smallBuffer keeps the kernel from storing seconds of pictures for a slow browser:
// what it cannot take now is to be dropped here, not shown late.
func smallBuffer(ctx context.Context, c net.Conn) context.Context {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(128 << 10) // a wish; without it more is stored
	}
	return ctx
}
