package repository_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lungbox/sync/ota"
	"lungbox/sync/repository"
)

// copyTo copies a repository's folder as it is.
func (c *centre) copyTo(dir string) {
	c.Helper()
	if err := os.CopyFS(dir, os.DirFS(c.dir)); err != nil {
		c.Fatal(err)
	}
}

func folder(t *testing.T, dir string) ota.Source {
	t.Helper()
	f, err := ota.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// edit changes a file of a tree.
func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Every attack is refused, each with its own error, and the box keeps what it has.
func TestAttacks(t *testing.T) {
	files, pieces := content(1, 1<<20)
	next, nextPieces := content(2, 1<<20, 5)
	tests := []struct {
		name string
		// attack has a centre with the release a, which the box has, and returns what the
		// box sees then.
		attack func(t *testing.T, c *centre, b *box) ota.Source
		want   error
		says   string
	}{
		{"replay of an older tree", func(t *testing.T, c *centre, b *box) ota.Source {
			old := t.TempDir()
			c.copyTo(old)
			c.publish("b", 2, next, nextPieces)
			if _, err := b.refresh(nil); err != nil {
				t.Fatal(err)
			}
			return folder(t, old)
		}, ota.ErrRollback, ""},
		{"replay to a box that lost its metadata", func(t *testing.T, c *centre, b *box) ota.Source {
			old := t.TempDir()
			c.copyTo(old)
			c.publish("b", 2, next, nextPieces)
			if _, err := b.refresh(nil); err != nil {
				t.Fatal(err)
			}
			for _, role := range []string{"timestamp", "snapshot", "targets"} {
				if err := os.Remove(filepath.Join(b.dir, "metadata", role+".json")); err != nil {
					t.Fatal(err)
				}
			}
			return folder(t, old)
		}, ota.ErrRollback, ""},
		{"downgrade: an old release under a new list", func(t *testing.T, c *centre, _ *box) ota.Source {
			if err := c.Withdraw("a"); err != nil {
				t.Fatal(err)
			}
			c.publish("b", 1, next, nextPieces)
			return folder(t, c.dir)
		}, ota.ErrCounter, ""},
		{"freeze", func(t *testing.T, c *centre, b *box) ota.Source {
			b.at = b.at.AddDate(0, 0, 15)
			return folder(t, c.dir)
		}, ota.ErrExpired, ""},
		{"mix and match: a newer stamp, an older snapshot", func(t *testing.T, c *centre, _ *box) ota.Source {
			old, err := os.ReadFile(filepath.Join(c.dir, "metadata", "1.snapshot.json"))
			if err != nil {
				t.Fatal(err)
			}
			c.publish("b", 2, next, nextPieces)
			edit(t, filepath.Join(c.dir, "metadata", "2.snapshot.json"), func([]byte) []byte { return old })
			return folder(t, c.dir)
		}, ota.ErrMetadata, ""},
		{"too few signatures", func(t *testing.T, c *centre, _ *box) ota.Source {
			if err := c.Add(next, ota.Custom{Name: "b", Counter: 2}, nextPieces); err != nil {
				t.Fatal(err)
			}
			c.sign(c.holders[0])
			if err := os.Rename(filepath.Join(c.dir, "staged", "targets.json"), filepath.Join(c.dir, "metadata", "3.targets.json")); err != nil {
				t.Fatal(err)
			}
			c.stamp()
			return folder(t, c.dir)
		}, ota.ErrSignature, ""},
		{"one signature twice", func(t *testing.T, c *centre, _ *box) ota.Source {
			if err := c.Add(next, ota.Custom{Name: "b", Counter: 2}, nextPieces); err != nil {
				t.Fatal(err)
			}
			c.sign(c.holders[0])
			staged := filepath.Join(c.dir, "staged", "targets.json")
			edit(t, staged, func(text []byte) []byte {
				var m struct {
					Signed     json.RawMessage   `json:"signed"`
					Signatures []json.RawMessage `json:"signatures"`
				}
				if err := json.Unmarshal(text, &m); err != nil {
					t.Fatal(err)
				}
				m.Signatures = append(m.Signatures, m.Signatures[0])
				out, err := json.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				return out
			})
			if err := os.Rename(staged, filepath.Join(c.dir, "metadata", "3.targets.json")); err != nil {
				t.Fatal(err)
			}
			// The hub itself does not read such a list, so the attacker signs with the hub's key.
			return folder(t, forge(t, c))
		}, nil, "multiple signatures"},
		{"another centre's tree", func(t *testing.T, c *centre, _ *box) ota.Source {
			other := newCentre(t)
			other.publish("b", 2, next, nextPieces)
			return folder(t, other.dir)
		}, ota.ErrSignature, ""},
		{"a root of the attacker's", func(t *testing.T, c *centre, _ *box) ota.Source {
			other := newCentre(t)
			if err := other.Rotate(repository.Change{Threshold: 1}); err != nil {
				t.Fatal(err)
			}
			other.sign(other.holders[0], other.holders[1])
			root, err := os.ReadFile(filepath.Join(other.dir, "metadata", "2.root.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(c.dir, "metadata", "2.root.json"), root, 0o644); err != nil {
				t.Fatal(err)
			}
			return folder(t, c.dir)
		}, ota.ErrSignature, ""},
		{"endless metadata", func(t *testing.T, c *centre, b *box) ota.Source {
			return &attacked{Source: b.Source, change: only("timestamp", func(text []byte) []byte { return append(text, make([]byte, 10<<20)...) })}
		}, ota.ErrTooLong, ""},
		{"endless root", func(t *testing.T, c *centre, b *box) ota.Source {
			return &attacked{Source: b.Source, change: func(name string, text []byte) ([]byte, error) {
				if strings.Contains(name, "2.root") {
					return make([]byte, 10<<20), nil
				}
				return text, nil
			}}
		}, ota.ErrTooLong, ""},
		{"a snapshot that is longer than signed", func(t *testing.T, c *centre, b *box) ota.Source {
			c.publish("b", 2, next, nextPieces)
			return &attacked{Source: b.Source, change: only("snapshot", func(text []byte) []byte { return append(text, ' ') })}
		}, ota.ErrTooLong, ""},
		{"other weights", func(t *testing.T, c *centre, b *box) ota.Source {
			c.publish("b", 2, next, nextPieces)
			return &attacked{Source: b.Source, change: only("net.bin", func(text []byte) []byte { text[len(text)*11/40]++; return text })}
		}, ota.ErrHash, ""},
		{"weights that end too soon", func(t *testing.T, c *centre, b *box) ota.Source {
			c.publish("b", 2, next, nextPieces)
			return &attacked{Source: b.Source, change: only("net.bin", func(text []byte) []byte { return text[:len(text)/4] })}
		}, nil, "ends after"},
		{"a file that is not there", func(t *testing.T, c *centre, b *box) ota.Source {
			c.publish("b", 2, next, nextPieces)
			return &attacked{Source: b.Source, change: only("net.bin", func([]byte) []byte { return nil })}
		}, ota.ErrNotThere, ""},
		{"a link on the stick", func(t *testing.T, c *centre, _ *box) ota.Source {
			c.publish("b", 2, next, nextPieces)
			found, err := filepath.Glob(filepath.Join(c.dir, "targets", "b", "*.manifest.json"))
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			if err := errors.Join(os.Remove(found[0]), os.Symlink("/etc/passwd", found[0])); err != nil {
				t.Fatal(err)
			}
			return folder(t, c.dir)
		}, nil, "no plain file"},
		{"a path that leads elsewhere, signed", func(t *testing.T, c *centre, _ *box) ota.Source {
			evil, p := content(2, 1<<20, 5)
			c.publish("b", 2, evil, p)
			edit(t, filepath.Join(c.dir, "metadata", "3.targets.json"), func(text []byte) []byte {
				return bytes.ReplaceAll(text, []byte("b/manifest.json"), []byte("b/../../../slots.json"))
			})
			resign(t, c)
			return folder(t, c.dir)
		}, ota.ErrMetadata, "slots.json"},
		{"pieces that lie outside their file, signed", func(t *testing.T, c *centre, _ *box) ota.Source {
			evil, p := content(2, 1<<20, 5)
			p["net.bin"][19].Bytes = 1 << 30
			c.publish("b", 2, evil, p)
			return folder(t, c.dir)
		}, nil, "do not lie in it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newCentre(t)
			c.publish("a", 1, files, pieces)
			b := c.box()
			before, _, err := b.install(c.root())
			if err != nil {
				t.Fatal(err)
			}
			b.Source = test.attack(t, c, b)
			_, _, err = b.install(nil)
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v; want %v %s", err, test.want, test.says)
			}
			t.Log(err)
			s, err := ota.OpenSlots(b.dir)
			if err != nil || s.Current == nil || s.Current.Digest != before.Digest {
				t.Errorf("the box has %+v, %v", s, err)
			}
		})
	}
}

// resign signs a changed list with the holders' keys, as holders would who do not look.
func resign(t *testing.T, c *centre) {
	t.Helper()
	staged := filepath.Join(c.dir, "staged", "targets.json")
	published := filepath.Join(c.dir, "metadata", "3.targets.json")
	text, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	m["signatures"] = json.RawMessage("[]")
	if text, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(staged, text, 0o644), os.Remove(published), os.Remove(filepath.Join(c.dir, "metadata", "2.snapshot.json"))); err != nil {
		t.Fatal(err)
	}
	c.sign(c.holders[0], c.holders[1])
	c.stamp()
}

// forge copies the tree and has its snapshot and timestamp name 3.targets.json.
func forge(t *testing.T, c *centre) string {
	t.Helper()
	work := t.TempDir()
	c.copyTo(work)
	repository.ForgeOnline(t, work, c.online)
	return work
}
