package clip

import (
	"bytes"
	"strings"
)

// complaintSize bounds what is kept of a decoder's messages.
const complaintSize = 8 << 10

// complaint collects what ffmpeg writes to standard error, up to complaintSize.
type complaint struct {
	path string
	text bytes.Buffer
}

func (c *complaint) Write(p []byte) (int, error) {
	c.text.Write(p[:min(len(p), complaintSize-c.text.Len())])
	return len(p), nil
}

// line is the first message, without addresses and without the path, which the
// error already starts with; "" when there was none.
func (c *complaint) line() string {
	for line := range strings.Lines(c.text.String()) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") { // "[mov,mp4 @ 0x55d0] moov atom not found"
			if _, rest, ok := strings.Cut(line, "] "); ok {
				line = rest
			}
		}
		line = strings.TrimPrefix(line, fileURL(c.path)+": ")
		if line != "" {
			return line
		}
	}
	return ""
}

// or is the first message, or the error when there was none.
func (c *complaint) or(err error) string {
	if line := c.line(); line != "" {
		return line
	}
	return err.Error()
}
