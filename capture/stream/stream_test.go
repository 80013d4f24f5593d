package stream_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lungbox/capture"
	"lungbox/capture/stream"
)

func clipPath(t *testing.T) string {
	t.Helper()
	all, err := filepath.Glob("../../daemon/demo/clips/*.mp4")
	if err != nil || len(all) == 0 {
		t.Fatalf("no clip: %v", err)
	}
	return all[0]
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// sender is an ffmpeg that sends the clip as if live, again and again.
func sender(t *testing.T, args ...string) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, "ffmpeg", append([]string{"-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", clipPath(t), "-an"}, args...)...)
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	end = func() {
		once.Do(func() {
			cancel()
			c.Wait()
			t.Logf("sender: %s", said.String())
		})
	}
	t.Cleanup(end)
	return end
}

// next asks until there is a picture, as a pipeline does; errors are collected.
func next(t *testing.T, s *stream.Source, complaints *[]string) *capture.Frame {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		f, err := s.Next(t.Context())
		if err == nil {
			return f
		}
		*complaints = append(*complaints, err.Error())
		if time.Now().After(deadline) {
			t.Fatalf("no picture: %q", *complaints)
		}
	}
}

// A stream that is not there, comes, is cut, and comes again.
func TestHTTP(t *testing.T) {
	port := freePort(t)
	address := fmt.Sprintf("http://127.0.0.1:%d/live", port)
	s, err := stream.Open(address, stream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Next(t.Context())
	if err == nil || !strings.Contains(err.Error(), "Connection refused: check the sender and the network") || strings.Contains(err.Error(), "\n") {
		t.Errorf("without a sender: %v", err)
	}
	last := -1
	for round := range 2 {
		began := time.Now()
		end := sender(t, "-c:v", "mpeg2video", "-q:v", "3", "-g", "5", "-f", "mpegts", "-listen", "1", address)
		var complaints []string
		for range 10 {
			f := next(t, s, &complaints)
			if f.Index <= last || f.Time.Before(began) || f.File != address || f.Image.Rect.Empty() {
				t.Errorf("round %d: picture %d of %v, size %v", round, f.Index, f.Time, f.Image.Rect)
			}
			last = f.Index
		}
		end()
		err = nil
		for deadline := time.Now().Add(time.Minute); err == nil && time.Now().Before(deadline); {
			_, err = s.Next(t.Context())
		}
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "check the sender") {
			t.Errorf("cut: %v", err)
		}
	}
}

// A sender that goes on but sends nothing is no live picture.
func TestStalled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")
		}
	}()
	s, err := stream.Open("http://"+l.Addr().String()+"/", stream.Options{Limit: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "has sent no picture for 1s") {
		t.Errorf("stalled: %v", err)
	}
	// Close ends a Next that waits.
	ended := make(chan error)
	go func() {
		_, err := s.Next(t.Context())
		ended <- err
	}()
	time.Sleep(100 * time.Millisecond)
	s.Close()
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if left := children(t); left != "" {
		t.Errorf("left running: %s", left)
	}
}

// children are this process's children.
func children(t *testing.T) string {
	t.Helper()
	out, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", os.Getpid(), os.Getpid()))
	if err != nil {
		t.Skipf("this kernel does not list children: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// RTSP over TCP, with a password: the pictures come from ffmpeg, the control from here.
func TestRTSP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	stop := make(chan struct{})
	go serveRTSP(t, l, stop)
	address := "rtsp://anna:geheim@" + l.Addr().String() + "/scanner"
	s, err := stream.Open(address, stream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var complaints []string
	for range 5 {
		if f := next(t, s, &complaints); strings.Contains(f.File, "geheim") || f.Image.Rect.Empty() {
			t.Errorf("picture of %s, %v", f.File, f.Image.Rect)
		}
	}
	l.Close()
	close(stop)
	for deadline := time.Now().Add(time.Minute); len(complaints) < 2 && time.Now().Before(deadline); {
		if _, err := s.Next(t.Context()); err != nil {
			complaints = append(complaints, err.Error())
		}
	}
	for _, c := range complaints {
		if strings.Contains(c, "geheim") || strings.Contains(c, "\n") {
			t.Errorf("an error tells the password or has lines: %q", c)
		}
	}
	t.Logf("%q", complaints)
}

// serveRTSP answers one client and passes on what an ffmpeg sends as RTP.
func serveRTSP(t *testing.T, l net.Listener, stop <-chan struct{}) {
	connection, err := l.Accept()
	if err != nil {
		return
	}
	defer connection.Close()
	rtp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		return
	}
	defer rtp.Close()
	in := bufio.NewReader(connection)
	for {
		var method, sequence string
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimSpace(line)
			if line == "" {
				break
			}
			if method == "" {
				method, _, _ = strings.Cut(line, " ")
			}
			if name, value, ok := strings.Cut(line, ": "); ok && strings.EqualFold(name, "cseq") {
				sequence = value
			}
		}
		answer := "RTSP/1.0 200 OK\r\nCSeq: " + sequence + "\r\n"
		body := ""
		switch method {
		case "OPTIONS":
			answer += "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
		case "DESCRIBE":
			body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=scanner\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:video\r\n"
			answer += "Content-Type: application/sdp\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
		case "SETUP":
			answer += "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
		case "PLAY":
			answer += "Session: 1\r\n"
		}
		io.WriteString(connection, answer+"\r\n"+body)
		if method == "PLAY" {
			break
		}
	}
	end := sender(t, "-vf", "scale=320:240", "-c:v", "mjpeg", "-huffman", "default", "-q:v", "4", "-pix_fmt", "yuvj420p", "-f", "rtp", "rtp://"+rtp.LocalAddr().String())
	defer end()
	go func() {
		<-stop
		connection.Close()
	}()
	packet := make([]byte, 4+65536)
	for {
		n, _, err := rtp.ReadFrom(packet[4:])
		if err != nil {
			return
		}
		packet[0], packet[1], packet[2], packet[3] = '$', 0, byte(n>>8), byte(n)
		if _, err := connection.Write(packet[:4+n]); err != nil {
			return
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for address, want := range map[string]string{
		"rtsp://":                 "is no address of a stream",
		"file:///etc/passwd":      "is no address",
		"ftp://host/x":            `kind "ftp" cannot be read`,
		"http://anna:geheim@a b/": "is no address of a stream",
	} {
		if _, err := stream.Open(address, stream.Options{}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := stream.Open("http://host/", stream.Options{FFmpeg: "no-such-ffmpeg"}); err == nil || !strings.Contains(err.Error(), "install the package ffmpeg") {
		t.Errorf("without ffmpeg: %v", err)
	}
}

// A stream must not make ffmpeg open files of this machine.
func TestOnlyTheNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	path, err := filepath.Abs(clipPath(t))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			bufio.NewReader(c).ReadString('\n')
			playlist := "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://" + path + "\n#EXT-X-ENDLIST\n"
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(playlist), playlist)
			c.Close()
		}
	}()
	s, err := stream.Open("http://"+l.Addr().String()+"/x.m3u8", stream.Options{Limit: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if f, err := s.Next(t.Context()); err == nil {
		t.Errorf("a playlist made ffmpeg read a file: %v", f.Image.Rect)
	} else {
		t.Log(err)
	}
}
