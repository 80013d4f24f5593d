package uplink

import "context"

// Message is one MQTT message.
type Message struct {
	Topic    string
	Payload  []byte
	Retained bool
	// Sure asks for QoS 1: Publish returns when the broker has said that it has it, which
	// is no promise that it will keep it.
	Sure bool
}

// Transport makes links. sync/mqtt is the real one.
type Transport interface {
	// Dial opens a link, subscribes to a filter and leaves a last will.
	Dial(ctx context.Context, filter string, will Message) (Link, error)
}

// Link is one connection to a broker, from its beginning to its end; nothing survives it.
// Its methods may be called from any goroutine.
type Link interface {
	// Publish sends a message; see Message.Sure. An error ends the link.
	Publish(ctx context.Context, m Message) error
	// Messages are what comes for the filter, in no certain order; those that nobody
	// takes in time are dropped.
	Messages() <-chan Message
	// Done is closed when the link is broken; Err then says why.
	Done() <-chan struct{}
	Err() error
	// Close ends the link as told, without the last will.
	Close()
}
