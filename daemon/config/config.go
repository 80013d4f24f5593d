// Package config reads the settings of lungbox: a TOML file, environment
// variables over it, defaults under it.
//
// Every key can be set in the environment: LUNGBOX_ENGINE_THREADS=1 is threads = 1
// in the section [engine]. A key that is not known is an error with file, line and
// the nearest known key, because a setting that is silently ignored is worse than
// none.
package config

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"lungbox/daemon/commandline/settings"
)

// Config holds all settings.
type Config struct {
	Box     Box     `toml:"box" comment:"This box."`
	Source  Source  `toml:"source" comment:"Where pictures come from (lungbox run)."`
	DICOM   DICOM   `toml:"dicom" comment:"Receiving DICOM over the network: source.from = 'dicom::11112'."`
	Engine  Engine  `toml:"engine" comment:"How frames are scored."`
	Panel   Panel   `toml:"panel" comment:"The lamp panel."`
	Tower   Tower   `toml:"tower" comment:"A serial stack light with a protocol of its own: panel.driver = 'serial:PORT:custom'."`
	Buttons Buttons `toml:"buttons" comment:"Buttons beside the panel."`
	Exam    Exam    `toml:"exam" comment:"Examinations of patients."`
	Archive Archive `toml:"archive" comment:"The hospital's DICOM archive, which gets a report of every exam that has ended."`
	Journal Journal `toml:"journal" comment:"What is kept on disk."`
	Page    Page    `toml:"page" comment:"The local web page."`
	Centre  Centre  `toml:"centre" comment:"The centre that this box is enrolled at (lungbox enrol)."`
	Updates Updates `toml:"updates" comment:"Releases that the centre desires (only where engine.release is empty)."`
}

// Engine says how frames are scored.
type Engine struct {
	Release   string `toml:"release" comment:"Folder of the release to run; empty: the demo release that is built in."`
	Use       string `toml:"use" comment:"litert (CPU), tensorflow (CPU or CUDA), or auto: tensorflow where it finds a GPU, else litert."`
	Vote      string `toml:"vote" comment:"lazy (the third net only when two differ), full, or auto: full on a GPU, lazy on a CPU. The score is the same."`
	Threads   int    `toml:"threads" comment:"CPU threads; 0: all cores."`
	Precision string `toml:"precision" comment:"Of the weights in LiteRT: int8, float16 or float32."`
	LiteRT    string `toml:"litert" comment:"LiteRT's library; empty: libLiteRt.so beside the program, then the system's."`
	Cache     string `toml:"cache" comment:"Folder for nets converted for this machine; empty: the user's cache folder."`

	Device         string  `toml:"device" comment:"TensorFlow: auto, cpu or gpu:N."`
	MemoryFraction float64 `toml:"memory_fraction" comment:"TensorFlow: share of the GPU's memory to take at once; 0: as needed (memory growth)."`
	MixedPrecision bool    `toml:"mixed_precision" comment:"TensorFlow: compute in half precision where it is safe."`
}

// Page says where the local web page is.
type Page struct {
	Listen      string `toml:"listen" comment:"Address and port; 127.0.0.1 lets only this machine in."`
	Open        bool   `toml:"open" comment:"Let other machines see the page without a password and without TLS: only where something else guards it, such as a proxy that asks for one. Otherwise they need the password that lungbox password sets; without one the page is open on this machine only."`
	Certificate string `toml:"certificate" comment:"TLS for other machines: certificate (PEM); empty: one that the box makes for itself."`
	Key         string `toml:"key" comment:"TLS: its key."`
	Language    string `toml:"language" comment:"Language of the page where nobody has chosen: en, fr, es or ar; empty: what the browser asks for."`
	Hosts       string `toml:"hosts" comment:"Further names that browsers may use for this box, separated by commas, such as lungbox.local."`
}

// EnvironmentPrefix starts the names of all settings in the environment.
const EnvironmentPrefix = "LUNGBOX_"

// EnvironmentName is the variable that sets a key.
func EnvironmentName(key string) string { return settings.EnvironmentName(EnvironmentPrefix, key) }

// Keys lists all keys, such as engine.threads.
func Keys() []string { return settings.Keys(new(Config)) }

// Changed lists the keys that have other values in b than in a.
func Changed(a, b Config) []string { return settings.Changed(&a, &b) }

// Centre says how the box speaks to its centre.
type Centre struct {
	Sync         bool    `toml:"sync" comment:"Send results to the centre, once this box is enrolled."`
	Pictures     bool    `toml:"pictures" comment:"Send masked pictures on which the nets disagree or find no consensus, for training. The site must have asked for it; every one is in the audit trail."`
	PictureQuota int     `toml:"picture_quota" comment:"Megabytes that pictures may take while they wait; the oldest go first."`
	PictureEvery float64 `toml:"picture_every" comment:"Seconds between two pictures."`
	KeepAlive    float64 `toml:"keepalive" comment:"Seconds of silence after which the link is looked at; one that is dead is given up after 1.5 times that."`
}

// Updates says how releases are installed.
type Updates struct {
	Install bool   `toml:"install" comment:"Install the releases that the centre desires; they are signed, tried, and undone when they do badly."`
	Window  string `toml:"window" comment:"Local time at which a release may take over, such as 02:00-05:00; empty: always. Downloads need no window."`
	// Probation in seconds.
	Probation float64 `toml:"probation" comment:"Seconds for which a new release is watched: when its engine fails or is slow it is undone and never tried again."`
	Root      string  `toml:"root" comment:"File with the first root of trust (1.root.json), brought on another way; empty: the first one that the hub gives."`
}

// Open says whether a release may take over at a time; the window may go over midnight.
func (u Updates) Open(at time.Time) bool {
	from, to, err := u.window()
	if err != nil || u.Window == "" {
		return err == nil
	}
	now := at.Hour()*60 + at.Minute()
	if from <= to {
		return now >= from && now < to
	}
	return now >= from || now < to
}

// window is in minutes of the day.
func (u Updates) window() (from, to int, err error) {
	if u.Window == "" {
		return 0, 0, nil
	}
	a, b, ok := strings.Cut(u.Window, "-")
	first, e1 := time.Parse("15:04", strings.TrimSpace(a))
	last, e2 := time.Parse("15:04", strings.TrimSpace(b))
	if !ok || e1 != nil || e2 != nil {
		return 0, 0, fmt.Errorf("config: updates.window = %q: want HH:MM-HH:MM, such as 02:00-05:00", u.Window)
	}
	return first.Hour()*60 + first.Minute(), last.Hour()*60 + last.Minute(), nil
}

// Default returns the settings of a box that nobody configured.
func Default() Config {
	return Config{
		Source:  Source{From: "v4l2:", Input: -1, Frozen: 1, Retry: 0.5},
		DICOM:   DICOM{Title: "LUNGBOX"},
		Panel:   Panel{Driver: "simulated", Agree: 3, Fade: 2, Test: 2, NightLevel: 0.2},
		Tower:   Tower{Baud: 9600},
		Buttons: Buttons{Debounce: 0.02},
		Exam:    Exam{Scheme: "blue12"},
		Archive: Archive{Send: "sc,sr,pdf"},
		Journal: Journal{Reserve: 64, Quota: 4096},
		Engine:  Engine{Use: "auto", Vote: "auto", Precision: "int8", Device: "auto"},
		Page:    Page{Listen: "127.0.0.1:8080"},
		Centre:  Centre{Sync: true, PictureQuota: 256, PictureEvery: 10, KeepAlive: 30},
		Updates: Updates{Install: true, Probation: 60},
	}
}

// Load reads the file at path ("" for none), then the environment (as os.Environ
// gives it), and checks the result.
func Load(path string, environ []string) (Config, error) { return LoadOver(path, "", environ) }

// LoadOver is Load with another file, at over ("" for none), whose settings go before those of
// the first and behind the environment.
func LoadOver(path, over string, environ []string) (Config, error) {
	c := Default()
	if err := settings.Load(&c, path, EnvironmentPrefix, nil); err != nil {
		return c, err
	}
	if err := settings.Load(&c, over, EnvironmentPrefix, environ); err != nil {
		return c, err
	}
	return c, c.Check()
}

// Check reports the first value that cannot be used.
func (c *Config) Check() error {
	if err := c.checkBox(); err != nil {
		return err
	}
	e := c.Engine
	for _, choice := range []struct {
		key, value string
		allowed    []string
	}{
		{"engine.use", e.Use, []string{"auto", "litert", "tensorflow"}},
		{"engine.vote", e.Vote, []string{"auto", "lazy", "full"}},
		{"page.language", c.Page.Language, []string{"", "en", "fr", "es", "ar"}},
		{"engine.precision", e.Precision, []string{"int8", "float16", "float32"}},
	} {
		if !contains(choice.allowed, choice.value) {
			return fmt.Errorf("config: %s = %q: want %s", choice.key, choice.value, strings.TrimPrefix(strings.Join(choice.allowed, ", "), ", "))
		}
	}
	if e.Threads < 0 || e.Threads > 256 {
		return fmt.Errorf("config: engine.threads = %d: want 0 to 256", e.Threads)
	}
	if !(e.MemoryFraction >= 0 && e.MemoryFraction <= 1) {
		return fmt.Errorf("config: engine.memory_fraction = %v: want 0 to 1", e.MemoryFraction)
	}
	return nil
}

// CPUThreads is the number of threads to use.
func (e Engine) CPUThreads() int {
	if e.Threads > 0 {
		return e.Threads
	}
	return runtime.NumCPU()
}

// Text is the settings as a commented file.
func (c Config) Text() ([]byte, error) { return settings.Text(c) }

func contains(list []string, value string) bool {
	for _, v := range list {
		if v == value {
			return true
		}
	}
	return false
}
