package main

import (
	"context"
	"errors"
	"time"

	"github.com/klauspost/compress/zstd"

	"lungbox/sync/enrol"
	"lungbox/sync/mqtt"
	"lungbox/sync/uplink"
)

// transport is what a box with this identity would dial with, under any client id.
func transport(i enrol.Identity, client string) (*mqtt.Transport, error) {
	secure, err := i.TLS()
	if err != nil {
		return nil, err
	}
	return mqtt.New(mqtt.Config{Broker: i.Broker, Client: client, TLS: secure, KeepAlive: 3 * time.Second})
}

// tryLink connects and subscribes; the broker says no by ending the link or refusing the
// filter.
func tryLink(ctx context.Context, i enrol.Identity, client, filter, will string) error {
	t, err := transport(i, client)
	if err != nil {
		return err
	}
	m := uplink.Message{}
	if will != "" {
		m = uplink.Message{Topic: will, Payload: []byte(`{"boot":"x","connection":1,"online":false}`), Sure: true}
	}
	l, err := t.Dial(ctx, filter, m)
	if err != nil {
		return err
	}
	l.Close()
	return nil
}

// tryPublish publishes; the broker says no by ending the link.
func tryPublish(ctx context.Context, i enrol.Identity, topic string, payload []byte) error {
	t, err := transport(i, i.Box.Device)
	if err != nil {
		return err
	}
	l, err := t.Dial(ctx, i.Box.Down(), uplink.Message{})
	if err != nil {
		return errors.New("cannot even connect: the test tells nothing: " + err.Error())
	}
	defer l.Close()
	if err := l.Publish(ctx, uplink.Message{Topic: topic, Payload: payload, Sure: true}); err != nil {
		return err
	}
	select {
	case <-l.Done():
		return l.Err()
	case <-time.After(300 * time.Millisecond):
		return nil
	}
}

// bomb is a small message that would be a gigabyte of zeros.
func bomb() []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(make([]byte, 1<<30), nil)
}
