// Package config is the settings of lunghub: a TOML file, LUNGHUB_ environment variables
// over it, defaults under it.
package config

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"lungbox/daemon/commandline/settings"
)

// Config holds all settings.
type Config struct {
	Hub      Hub      `toml:"hub" comment:"This hub."`
	Database Database `toml:"database" comment:"Where results are kept."`
	Broker   Broker   `toml:"broker" comment:"Where boxes connect to send results."`
	Releases Releases `toml:"releases" comment:"What boxes run."`
}

// Hub is what concerns the whole hub.
type Hub struct {
	State   string `toml:"state" comment:"Folder for keys, database and releases."`
	Listen  string `toml:"listen" comment:"Address and port of pages, enrolment and releases (HTTPS)."`
	Metrics string `toml:"metrics" comment:"Address and port of /metrics for Prometheus, without TLS, such as 127.0.0.1:9464; empty: none."`
	Names   string `toml:"names" comment:"Names and addresses under which boxes and people reach this hub, separated by commas; the first is told to boxes."`
}

// Database says where results are kept.
type Database struct {
	Address string `toml:"address" comment:"postgres://USER@HOST/NAME; empty: a file in the state folder (SQLite)."`
}

// Broker says where boxes connect.
type Broker struct {
	Listen string `toml:"listen" comment:"Address and port of the broker inside (MQTT over TLS); empty: there is another, at broker.address."`
	Public string `toml:"public" comment:"Address that boxes are told, mqtts://HOST:PORT; empty: the first name with the port of broker.listen."`
	// Address is of a broker outside.
	Address  string `toml:"address" comment:"A broker outside: mqtts://HOST:PORT (Mosquitto, EMQX) or nats://HOST:PORT,… (NATS JetStream with its MQTT listener); empty: the one inside."`
	Replicas int    `toml:"replicas" comment:"NATS: nodes that keep a copy of what boxes send: 1, 3 or 5."`
	Boxes    int    `toml:"boxes" comment:"Boxes that may be connected to the broker inside at a time."`
}

// Releases says what boxes run.
type Releases struct {
	Repository string `toml:"repository" comment:"Folder of the signed repository that lungtrain publish writes; empty: releases in the state folder."`
}

// EnvironmentPrefix starts the names of all settings in the environment.
const EnvironmentPrefix = "LUNGHUB_"

// Default returns the settings of a hub that nobody configured.
func Default() Config {
	return Config{
		Hub:    Hub{Listen: ":8443", Names: "localhost,127.0.0.1"},
		Broker: Broker{Listen: ":8883", Boxes: 20_000, Replicas: 3},
	}
}

// Load reads the file at path ("" for none), then the environment, and checks the result.
func Load(path string, environ []string) (Config, error) {
	c := Default()
	if err := settings.Load(&c, path, EnvironmentPrefix, environ); err != nil {
		return c, err
	}
	if c.Hub.State == "" {
		c.Hub.State = os.Getenv("STATE_DIRECTORY") // systemd's
	}
	if c.Hub.State == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return c, fmt.Errorf("config: hub.state: %w; name a folder", err)
		}
		c.Hub.State = filepath.Join(home, ".local", "state", "lunghub")
	}
	return c, c.check()
}

func (c *Config) check() error {
	for key, address := range map[string]string{"hub.listen": c.Hub.Listen, "broker.listen": c.Broker.Listen} {
		if _, _, err := net.SplitHostPort(address); err != nil && (address != "" || key == "hub.listen") {
			return fmt.Errorf("config: %s = %q: want ADDRESS:PORT or :PORT", key, address)
		}
	}
	if len(c.HostNames()) == 0 {
		return fmt.Errorf("config: hub.names = %q: want at least one name or address", c.Hub.Names)
	}
	a := c.Broker.Address
	if a != "" && !strings.HasPrefix(a, "mqtts://") && !strings.HasPrefix(a, "mqtt://") && !strings.HasPrefix(a, "nats://") && !strings.HasPrefix(a, "tls://") {
		return fmt.Errorf("config: broker.address = %q: want mqtts://HOST:PORT or nats://HOST:PORT", a)
	}
	if (a == "") == (c.Broker.Listen == "") {
		return fmt.Errorf("config: broker.listen = %q and broker.address = %q: want one of them", c.Broker.Listen, a)
	}
	if a != "" && c.Broker.Public == "" {
		return fmt.Errorf("config: broker.public: want the address at which boxes find the broker %s", a)
	}
	if r := c.Broker.Replicas; r != 1 && r != 3 && r != 5 {
		return fmt.Errorf("config: broker.replicas = %d: want 1, 3 or 5", r)
	}
	if c.Broker.Boxes < 1 {
		return fmt.Errorf("config: broker.boxes = %d: want at least 1", c.Broker.Boxes)
	}
	return nil
}

// HostNames are hub.names taken apart.
func (c *Config) HostNames() (out []string) {
	for n := range strings.SplitSeq(c.Hub.Names, ",") {
		if n = strings.TrimSpace(n); n != "" {
			out = append(out, n)
		}
	}
	return out
}

// Text is the settings as a commented file.
func (c Config) Text() ([]byte, error) { return settings.Text(c) }
