package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/daemon/config"
	"lungbox/daemon/setup"
	"lungbox/ensemble/worker"
	"lungbox/sync/seal"
	"lungbox/tflite"
)

// settings are the configuration and the flags that override it.
type settings struct {
	file    string
	release string
	engine  string
	vote    string
	precise string
	threads int
	plain   bool // what was chosen in the setup does not count
}

// add gives a command the flags that choose release and engine.
func (s *settings) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.file, "config", "", "configuration file")
	f.StringVar(&s.release, "release", "", "folder of the release; the demo release without")
	f.StringVar(&s.engine, "engine", "", "auto, litert or tensorflow")
	f.StringVar(&s.vote, "vote", "", "lazy or full: the score is the same")
	f.StringVar(&s.precise, "precision", "", "LiteRT: int8, float16 or float32")
	f.IntVar(&s.threads, "threads", 0, "CPU threads; 0: all cores")
}

// load reads the configuration, with the flags over it.
func (s *settings) load() (config.Config, error) {
	environ := os.Environ()
	for key, value := range map[string]string{
		"engine.release": s.release, "engine.use": s.engine, "engine.vote": s.vote, "engine.precision": s.precise,
	} {
		if value != "" {
			environ = append(environ, config.EnvironmentName(key)+"="+value)
		}
	}
	if s.threads != 0 {
		environ = append(environ, fmt.Sprintf("%s=%d", config.EnvironmentName("engine.threads"), s.threads))
	}
	c, err := s.chosen(environ)
	if err != nil {
		return c, commandline.UsageError{Err: err}
	}
	if c.Engine.Release != "" {
		if _, err := os.Stat(c.Engine.Release); err != nil {
			return c, commandline.Usagef("release: %w", err)
		}
	}
	if c.Engine.LiteRT == "" {
		c.Engine.LiteRT = tflite.Find()
	}
	if c.Engine.Cache == "" {
		if c.Engine.Cache, err = cacheFolder(); err != nil {
			return c, err
		}
	}
	return c, nil
}

// chosen reads the configuration file, and over it what was chosen in the setup.
func (s *settings) chosen(environ []string) (config.Config, error) {
	c, err := config.Load(s.file, environ)
	if err != nil || s.plain {
		return c, err
	}
	state, err := stateFolder(c.Box.State)
	if err != nil || setup.File(state) == "" {
		return c, nil //nolint:nilerr // whoever needs the folder says so
	}
	return config.LoadOver(s.file, setup.File(state), environ)
}

// cacheFolder is where converted nets are kept for the user.
func cacheFolder() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w: set engine.cache", err)
	}
	return filepath.Join(base, "lungbox"), nil
}

// workerConfig says how to run the engine in a child of this program.
func workerConfig(e config.Engine) (worker.Config, error) {
	self, err := os.Executable()
	if err != nil {
		return worker.Config{}, fmt.Errorf("start worker: %w", err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return worker.Config{}, err
	}
	return worker.Config{
		Command: []string{self, workerCommand},
		Start:   worker.Start{Release: e.Release, Settings: text},
	}, nil
}

// stateFolder is where results are kept: as configured, as systemd says, or the user's.
func stateFolder(configured string) (string, error) {
	service, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	if dir := cmp.Or(configured, service); dir != "" {
		return dir, nil
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "lungbox"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no folder for results: %w: set box.state", err)
	}
	return filepath.Join(home, ".local", "state", "lungbox"), nil
}

// boxKey is what the box's results are sealed with, nil for none.
func boxKey(c config.Config) (*seal.Key, error) {
	return seal.Load(c.Box.Key, os.Getenv("CREDENTIALS_DIRECTORY"))
}

// kept is where a box keeps what it keeps.
type kept struct {
	config config.Config
	state  string    // folder of what must survive
	key    *seal.Key // nil: nothing is sealed
}

// journal is the folder of the results.
func (k kept) journal() string { return filepath.Join(k.state, "journal") }

// kept finds what the box of the configuration keeps.
func (s *settings) kept() (k kept, err error) {
	if k.config, err = s.load(); err != nil {
		return k, err
	}
	if k.state, err = stateFolder(k.config.Box.State); err != nil {
		return k, err
	}
	k.key, err = boxKey(k.config)
	return k, err
}

// boxName is the box's name in results.
func boxName(configured string) string {
	if configured != "" {
		return configured
	}
	name, err := os.Hostname()
	if err != nil {
		return "lungbox"
	}
	return name
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// names splits a list with commas.
func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
