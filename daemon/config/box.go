package config

import (
	"fmt"
	"image"
	"net"
	"strconv"
	"strings"
)

// Box is what concerns the whole box.
type Box struct {
	Name  string `toml:"name" comment:"Name of this box in results; empty: the machine's host name."`
	Key   string `toml:"key" comment:"File with the key that results, exams and waiting pictures are sealed with, 64 hexadecimal digits; empty: the service's credential lungbox-key, if it has one, else nothing is sealed."`
	State string `toml:"state" comment:"Folder for results and what else must survive; empty: the service's state folder, else the user's."`
}

// Source says where pictures come from.
type Source struct {
	From   string  `toml:"from" comment:"v4l2: (the only grabber), v4l2:/dev/video0 or v4l2:NAME; dicom:[ADDRESS]:PORT; inbox:FOLDER; clip:FILE or folder; rtsp://… or http://…"`
	Format string  `toml:"format" comment:"Grabber: MJPEG, YUYV, UYVY, NV12, GREY or RGB24; empty: the best that it offers."`
	Input  int     `toml:"input" comment:"Grabber with several inputs: number of the one to use, from 0; -1: as it is set."`
	Width  int     `toml:"width" comment:"Grabber: picture width and height to ask for; 0: the largest up to 1280×720."`
	Height int     `toml:"height"`
	Rate   float64 `toml:"rate" comment:"Grabber: frames per second to ask for; 0: the fastest."`
	Loop   bool    `toml:"loop" comment:"clip: start again after the last file, for ever."`
	Keep   bool    `toml:"keep" comment:"dicom: keep received files in the folder inbox/done once they are scored."`
	Region string  `toml:"region" comment:"Live pictures: rectangle of the ultrasound picture as LEFT,TOP,RIGHT,BOTTOM in pixels, where it is not found; empty: it is found. Everything outside is masked."`
	Frozen float64 `toml:"frozen" comment:"Live pictures: seconds after which a picture that stands still is called frozen; 0: never."`
	Retry  float64 `toml:"retry" comment:"Seconds before a source that failed is asked again."`
}

// Rectangle is the region; empty where it is to be found.
func (s Source) Rectangle() (r image.Rectangle, err error) {
	if s.Region == "" {
		return r, nil
	}
	parts := strings.Split(s.Region, ",")
	if len(parts) == 4 {
		for i, p := range []*int{&r.Min.X, &r.Min.Y, &r.Max.X, &r.Max.Y} {
			if *p, err = strconv.Atoi(strings.TrimSpace(parts[i])); err != nil {
				break
			}
		}
	}
	if len(parts) != 4 || err != nil || r.Empty() || r.Min.X < 0 || r.Min.Y < 0 {
		return image.Rectangle{}, fmt.Errorf("config: source.region = %q: want LEFT,TOP,RIGHT,BOTTOM in pixels, such as 160,40,1120,700", s.Region)
	}
	return r, nil
}

// DICOM says how files are received over the network. An AE title is no
// authentication: only certificates are, and a wall around the network.
type DICOM struct {
	Title       string `toml:"title" comment:"AE title of this box."`
	Peers       string `toml:"peers" comment:"Addresses that may send, separated by commas; empty: all."`
	Certificate string `toml:"certificate" comment:"TLS: this box's certificate (PEM); empty: no TLS."`
	Key         string `toml:"key" comment:"TLS: its key."`
	Authority   string `toml:"authority" comment:"TLS: certificate that senders' certificates must be signed by."`
}

// Panel says what the lamps are and when they change.
type Panel struct {
	Driver     string  `toml:"driver" comment:"simulated; gpio:CHIP:LINES (four score lamps, then the live lamp; add :active-low); serial:PORT:relay or :adafruit or :custom (see [tower]); tm1637:CHIP:CLOCK,DATA; max7219:DEVICE or max7219-matrix:DEVICE"`
	Agree      int     `toml:"agree" comment:"Frames in a row that must say the same before it is shown."`
	Fade       float64 `toml:"fade" comment:"Seconds that a score is shown after the last frame that supports it."`
	Test       float64 `toml:"test" comment:"Seconds of the lamp test at start; 0: none."`
	Night      string  `toml:"night" comment:"Hours of dimmed displays, local time, such as 22:00-06:00; empty: never. Lamps on GPIO lines cannot be dimmed."`
	NightLevel float64 `toml:"night_level" comment:"Brightness at night, 0 to 1."`
}

// Tower is a serial stack light that understands neither of the known protocols. Bytes
// are hexadecimal, lamps separated by commas: of scores 0 to 3, then of the live lamp.
type Tower struct {
	On     string `toml:"on" comment:"What switches the five lamps on, such as A0 01 01 A2, A0 02 01 A3, …"`
	Off    string `toml:"off" comment:"What switches them off."`
	AllOff string `toml:"all_off" comment:"What switches everything off; empty: each lamp is told."`
	Baud   int    `toml:"baud" comment:"Of the line: 8 bits, no parity, 1 stop bit."`
}

// Buttons are the buttons beside the panel, on GPIO lines.
type Buttons struct {
	Chip       string  `toml:"chip" comment:"GPIO chip by name, path or label; empty: there are no buttons."`
	NextZone   string  `toml:"next_zone" comment:"Line by offset or name; empty: no such button."`
	NewPatient string  `toml:"new_patient" comment:"Line by offset or name; empty: no such button."`
	Record     string  `toml:"record" comment:"Line by offset or name of the button that records a clip; empty: no such button."`
	ActiveLow  bool    `toml:"active_low" comment:"Pressed is low: a button to ground."`
	PullUp     bool    `toml:"pull_up" comment:"Ask the chip for its pull-up resistor."`
	Debounce   float64 `toml:"debounce" comment:"Seconds that a level must last to count."`
}

// Exam says how patients are examined.
type Exam struct {
	Scheme string `toml:"scheme" comment:"Zones that the button for the next zone goes through: blue12, iclus14, volpicelli8 or blue6."`
}

// Archive says where reports of exams are sent, and what is in them. The calling AE title is that
// of [dicom].
type Archive struct {
	Address     string `toml:"address" comment:"HOST:PORT of the archive; empty: nothing is sent."`
	Title       string `toml:"title" comment:"Its AE title."`
	Send        string `toml:"send" comment:"What is sent, separated by commas: sr (structured report), sc (the best frames as pictures), pdf."`
	Certificate string `toml:"certificate" comment:"TLS: this box's certificate (PEM); empty: no TLS."`
	Key         string `toml:"key" comment:"TLS: its key."`
	Authority   string `toml:"authority" comment:"TLS: certificate that the archive's must be signed by."`
}

// check reports the first value that cannot be used.
func (a Archive) check() error {
	for kind := range strings.SplitSeq(a.Send, ",") {
		if !contains([]string{"sr", "sc", "pdf"}, strings.TrimSpace(kind)) {
			return fmt.Errorf("config: archive.send = %q: want some of sr, sc and pdf, separated by commas", a.Send)
		}
	}
	if a.Address != "" {
		if host, port, err := net.SplitHostPort(a.Address); err != nil || host == "" || port == "" {
			return fmt.Errorf("config: archive.address = %q: want HOST:PORT, such as pacs.hospital.local:104", a.Address)
		}
		if n := len(a.Title); n < 1 || n > 16 {
			return fmt.Errorf("config: archive.title = %q: want the archive's AE title, 1 to 16 characters", a.Title)
		}
	}
	if (a.Certificate == "") != (a.Key == "") || (a.Certificate == "") != (a.Authority == "") {
		return fmt.Errorf("config: archive.certificate, archive.key and archive.authority belong together")
	}
	return nil
}

// Journal says how much is kept. A result is kept at least until the centre has it.
type Journal struct {
	Reserve int `toml:"reserve" comment:"MB kept free for results on a full disk."`
	Quota   int `toml:"quota" comment:"MB of results kept at most: beyond, the oldest that the centre has are removed, never others; 0: no limit."`
}

// checkBox reports the first value of the box's own sections that cannot be used.
func (c *Config) checkBox() error {
	kind, rest, _ := strings.Cut(c.Source.From, ":")
	switch kind {
	case "v4l2", "rtsp", "rtsps", "http", "https":
	case "dicom", "inbox", "clip":
		if rest == "" {
			return fmt.Errorf("config: source.from = %q: what follows the colon is missing", c.Source.From)
		}
	default:
		return fmt.Errorf("config: source.from = %q: want v4l2:, dicom:, inbox:, clip:, rtsp:// or http://", c.Source.From)
	}
	kind, _, _ = strings.Cut(c.Panel.Driver, ":")
	if !contains([]string{"simulated", "gpio", "serial", "tm1637", "max7219", "max7219-matrix"}, kind) {
		return fmt.Errorf("config: panel.driver = %q: want simulated, gpio:…, serial:…, tm1637:…, max7219:… or max7219-matrix:…", c.Panel.Driver)
	}
	if !contains([]string{"blue12", "iclus14", "volpicelli8", "blue6"}, c.Exam.Scheme) {
		return fmt.Errorf("config: exam.scheme = %q: want blue12, iclus14, volpicelli8 or blue6", c.Exam.Scheme)
	}
	if _, _, err := c.Updates.window(); err != nil {
		return err
	}
	if p := c.Updates.Probation; !(p >= 1 && p <= 3600) {
		return fmt.Errorf("config: updates.probation = %v: want 1 to 3600", p)
	}
	if q := c.Centre.PictureQuota; q < 1 || c.Centre.PictureEvery < 0 {
		return fmt.Errorf("config: centre.picture_quota = %d and picture_every = %v: want at least 1 and 0", q, c.Centre.PictureEvery)
	}
	if k := c.Centre.KeepAlive; !(k >= 3 && k <= 3600) {
		return fmt.Errorf("config: centre.keepalive = %v: want 3 to 3600", k)
	}
	if _, err := c.Source.Rectangle(); err != nil {
		return err
	}
	if err := c.Archive.check(); err != nil {
		return err
	}
	for _, number := range []struct {
		key         string
		value       float64
		least, most float64
	}{
		{"source.input", float64(c.Source.Input), -1, 63},
		{"source.width", float64(c.Source.Width), 0, 8192},
		{"source.height", float64(c.Source.Height), 0, 8192},
		{"source.rate", c.Source.Rate, 0, 1000},
		{"source.frozen", c.Source.Frozen, 0, 3600},
		{"source.retry", c.Source.Retry, 0.05, 60},
		{"panel.agree", float64(c.Panel.Agree), 1, 100},
		{"panel.fade", c.Panel.Fade, 0.2, 10},
		{"panel.test", c.Panel.Test, 0, 10},
		{"panel.night_level", c.Panel.NightLevel, 0, 1},
		{"journal.reserve", float64(c.Journal.Reserve), 0, 1 << 20},
		{"journal.quota", float64(c.Journal.Quota), 0, 1 << 30},
		{"tower.baud", float64(c.Tower.Baud), 2400, 1000000},
		{"buttons.debounce", c.Buttons.Debounce, 0.001, 1},
	} {
		if !(number.value >= number.least && number.value <= number.most) {
			return fmt.Errorf("config: %s = %v: want %v to %v", number.key, number.value, number.least, number.most)
		}
	}
	d := c.DICOM
	if (d.Certificate == "") != (d.Key == "") || d.Authority != "" && d.Certificate == "" {
		return fmt.Errorf("config: dicom.certificate and dicom.key belong together, and dicom.authority needs both")
	}
	return nil
}
