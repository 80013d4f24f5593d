// Package wire is what boxes and the centre say to each other over MQTT: topics,
// batches of results, acknowledgements and states. It knows no connection.
//
//	lus/v1/{site}/{device}/up/result     batches of results, QoS 1
//	lus/v1/{site}/{device}/up/event      batches of events and audit entries, QoS 1
//	lus/v1/{site}/{device}/up/state      what the box is now; retained, last will
//	lus/v1/{site}/{device}/down/ack      what the centre has committed
//	lus/v1/{site}/{device}/down/desired  release to run: an answer to a state, a hint
package wire

import (
	"fmt"
	"regexp"
	"strings"
)

// Kind is the end of a topic.
type Kind string

// Kinds. What a box sends begins with up, what it gets with down.
const (
	Result  Kind = "up/result"
	Event   Kind = "up/event"
	State   Kind = "up/state"
	Ack     Kind = "down/ack"
	Desired Kind = "down/desired"
)

const root = "lus/v1"

// Box names a box: two parts of its topics, and the subject of its certificate.
type Box struct {
	Site   string `json:"site"`   // O of the certificate
	Device string `json:"device"` // CN; no two of a centre's boxes share it
}

// String is site/device.
func (b Box) String() string { return b.Site + "/" + b.Device }

// Topic is the topic of a kind of message of this box.
func (b Box) Topic(k Kind) string { return root + "/" + b.Site + "/" + b.Device + "/" + string(k) }

// Down is the filter of all that is said to this box.
func (b Box) Down() string { return b.Topic("down/+") }

// Check says what is wrong with the names; nil when nothing is.
func (b Box) Check() error {
	for what, name := range map[string]string{"site": b.Site, "device": b.Device} {
		if !plain.MatchString(name) {
			return fmt.Errorf("%s %q: want 1 to 63 small letters, digits and hyphens, beginning with a letter or digit", what, name)
		}
	}
	if b.Device == Hub {
		return fmt.Errorf("device %q: that is the hub's own name, choose another", b.Device)
	}
	return nil
}

// Hub is the name in the hub's own certificates, which no box may have: brokers outside
// tell by it who may read everything.
const Hub = "lunghub"

// Check ends the client id of a box that only looks whether it is let in; no name has a
// dot.
const Check = ".check"

// plain names have one meaning in topics, NATS subjects, paths and certificates.
var plain = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// Up is the filter of all that boxes send of a kind.
func Up(k Kind) string { return root + "/+/+/" + string(k) }

// Parse takes a topic apart.
func Parse(topic string) (b Box, k Kind, err error) {
	parts := strings.SplitN(topic, "/", 5)
	if len(parts) != 5 || parts[0]+"/"+parts[1] != root {
		return b, k, fmt.Errorf("topic %.80q is none of a box", topic)
	}
	b, k = Box{parts[2], parts[3]}, Kind(parts[4])
	if err := b.Check(); err != nil {
		return b, k, fmt.Errorf("topic %.80q: %w", topic, err)
	}
	return b, k, nil
}
